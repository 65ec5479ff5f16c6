import type {
  BlobSASSignatureValues,
  BlobServiceClient,
  SASQueryParameters,
  UserDelegationKey,
} from "@azure/storage-blob";
import type { Clock } from "../core/clock.ts";
import { CALL_LIMIT_MS, withinLimit } from "./call-limit.ts";
import { withStorage } from "./storage-error.ts";

const MINUTE_MS = 60_000;
// Clocks differ: a link that begins now is refused by a service that is seconds behind.
const CLOCK_SKEW_MS = 5 * MINUTE_MS;
// A delegation key lives seven days at most, counted from the time of asking, and no link outlives it.
// https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
const KEY_LIFE_MS = 7 * 24 * 60 * MINUTE_MS - 10 * MINUTE_MS;
/** The longest life of a link. Shorter than a key's, so that one key signs links for an hour at least. */
export const MAX_LINK_LIFE_MS = KEY_LIFE_MS - 60 * MINUTE_MS;

/** A blob that a link leads to. */
export interface LinkedBlob {
  readonly container: string;
  readonly name: string;
}

export interface ReadLinksOptions {
  readonly open: () => Promise<BlobServiceClient>;
  /** `identity` signs with a delegation key of the service, `sharedKey` with the account's own. */
  readonly signWith: "identity" | "sharedKey";
  readonly clock: Clock;
}

interface SigningKey {
  readonly expiresAt: number;
  readonly key: UserDelegationKey;
}

/**
 * Links to blobs: plain ones for who has access by identity, and signed ones, which let anybody read
 * this one blob, and nothing else, for a time. Scope: per instance.
 */
export class ReadLinks {
  readonly #options: ReadLinksOptions;
  #key: SigningKey | undefined;
  #asking: Promise<SigningKey> | undefined;

  constructor(options: ReadLinksOptions) {
    this.#options = options;
  }

  /** The address of a blob: the account's own, whatever cloud it is in. */
  async plain({ container, name }: LinkedBlob): Promise<string> {
    return (await this.#options.open()).getContainerClient(container).getBlobClient(name).url;
  }

  /** A link that reads the blob for `lifeMs`, or for {@link MAX_LINK_LIFE_MS} where that is shorter. */
  signed(blob: LinkedBlob, lifeMs: number): Promise<string> {
    return withStorage("Signing a link", async () => {
      const { open, clock } = this.#options;
      const service = await open();
      const expiresAt = clock.now() + Math.min(lifeMs, MAX_LINK_LIFE_MS);
      const query = await this.#sign(service, blob, expiresAt);
      return `${await this.plain(blob)}?${query}`;
    });
  }

  async #sign(
    service: BlobServiceClient,
    { container, name }: LinkedBlob,
    expiresAt: number,
  ): Promise<SASQueryParameters> {
    const library = await import("@azure/storage-blob");
    const values: BlobSASSignatureValues = {
      containerName: container,
      blobName: name,
      permissions: library.BlobSASPermissions.parse("r"),
      startsOn: new Date(this.#options.clock.now() - CLOCK_SKEW_MS),
      expiresOn: new Date(expiresAt),
      protocol: service.url.startsWith("https:")
        ? library.SASProtocol.Https
        : library.SASProtocol.HttpsAndHttp,
    };
    const { credential } = service;
    if (this.#options.signWith === "sharedKey") {
      if (!(credential instanceof library.StorageSharedKeyCredential)) {
        throw new Error("The storage connection has no account key to sign links with.");
      }
      return library.generateBlobSASQueryParameters(values, credential);
    }
    const { key } = await this.#keyFor(service, expiresAt);
    return library.generateBlobSASQueryParameters(values, key, service.accountName);
  }

  /** The key in hand while it outlives the link; those who need another one at once ask together. */
  async #keyFor(service: BlobServiceClient, expiresAt: number): Promise<SigningKey> {
    if (this.#key && this.#key.expiresAt >= expiresAt) return this.#key;
    this.#asking ??= this.#askForKey(service).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askForKey(service: BlobServiceClient): Promise<SigningKey> {
    const now = this.#options.clock.now();
    const expiresAt = now + KEY_LIFE_MS;
    const startsAt = now - CLOCK_SKEW_MS;
    const key = await withinLimit(CALL_LIMIT_MS, ({ signal: abortSignal }) =>
      service.getUserDelegationKey(new Date(startsAt), new Date(expiresAt), { abortSignal }),
    );
    this.#key = { key, expiresAt };
    return this.#key;
  }
}
