import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningStorage, startStorage } from "../../../local/storage/index.ts";
import { type BlobContainer, BlobStore, openBlobService } from "../../../shared/storage/index.ts";

const MIB = 1024 * 1024;

let dataDir: string;
let storage: RunningStorage;
let own: BlobContainer;
let place: BlobContainer;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "storage-blobs-"));
  storage = await startStorage({ port: 0, dataDir });
  const { connectionString } = storage;
  const store = new BlobStore(() =>
    openBlobService({ kind: "connectionString", connectionString }),
  );
  own = store.container("own");
  place = store.container("place");
});
afterAll(async () => {
  await storage?.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

const textOf = async (container: BlobContainer, name: string): Promise<string> =>
  Buffer.from(await container.read(name)).toString();

describe("a body that is streamed into a blob", () => {
  it.each([0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 77])("has its exact %d bytes", async (size) => {
    const bytes = randomBytes(size);
    const name = `streamed-${size}`;
    expect(await own.writeStream(name, inPieces(bytes, 300_001), "text/x")).toBe(size);
    expect(Buffer.from(await own.read(name)).equals(bytes)).toBe(true);
    expect(await own.sizeOf(name)).toBe(size);
  });

  it("leaves no blob when it breaks, however much of it has come", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(3 * MIB);
      throw new Error("cut");
    }
    await expect(own.writeStream("broken", broken())).rejects.toThrow("cut");
    expect(await own.sizeOf("broken")).toBeUndefined();
  });

  it("does not mix with another that is written under the same name at once", async () => {
    const [a, b] = [Buffer.alloc(3 * MIB, "a"), Buffer.alloc(3 * MIB, "b")];
    await Promise.allSettled([
      own.writeStream("contested", inPieces(a, 100_000)),
      own.writeStream("contested", inPieces(b, 100_000)),
    ]);
    const text = await textOf(own, "contested");
    expect([a.toString(), b.toString()]).toContain(text);
  });
});

describe("a log", () => {
  it("grows at its end, and is read in ranges while it grows", async () => {
    const log = await own.createLog("log", "text/event-stream");
    await log.append(Buffer.from("one "));
    expect(await own.sizeOf("log")).toBe(4);
    await log.append(Buffer.from("two"));
    const found = await own.readStream("log", { from: 4, count: 2 });
    const pieces: Uint8Array[] = [];
    for await (const piece of found?.body ?? []) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe("tw");
  });

  it("takes nothing more of a writer whose place another has taken", async () => {
    const log = await own.createLog("fenced", "text/plain");
    await log.append(Buffer.from("mine"));
    const other = await own.createLog("fenced", "text/plain");
    await other.append(Buffer.from("another's"));
    await expect(log.append(Buffer.from("!"))).rejects.toMatchObject({
      code: "storage-unavailable",
    });
  });
});

describe("a copy", () => {
  it("is made once however many make it at once, and stays when its source is gone", async () => {
    await own.writeStream("job-1/a", inPieces(Buffer.from("answer"), 3), "text/plain");
    const copies = await Promise.all([1, 2, 3].map(() => place.copyFrom(own, "job-1/a", "job-1")));
    expect(copies).toEqual([true, true, true]);
    await own.remove("job-1/a");
    expect(await place.copyFrom(own, "job-1/a", "job-1")).toBe(true);
    expect(await textOf(place, "job-1")).toBe("answer");
  });

  it("replaces what is no copy of its source", async () => {
    await own.write("job-2/a", Buffer.from("right"));
    await place.write("job-2", Buffer.from("wrong"));
    expect(await place.copyFrom(own, "job-2/a", "job-2")).toBe(true);
    expect(await textOf(place, "job-2")).toBe("right");
  });

  it("is not made of nothing", async () => {
    expect(await place.copyFrom(own, "job-3/a", "job-3")).toBe(false);
    expect(await place.sizeOf("job-3")).toBeUndefined();
  });

  it("of a log is a blob with its bytes", async () => {
    const log = await own.createLog("job-4/a", "text/event-stream");
    await log.append(Buffer.from("data: 1\n\n"));
    expect(await place.copyFrom(own, "job-4/a", "job-4")).toBe(true);
    expect(await textOf(place, "job-4")).toBe("data: 1\n\n");
  });
});

describe("the removal of blobs by the beginning of their names", () => {
  it("takes those and no others", async () => {
    for (const name of ["gone/1", "gone/2", "goner"]) await own.write(name, Buffer.from("x"));
    await own.removeAll("gone/");
    expect(await Promise.all(["gone/1", "gone/2", "goner"].map((n) => own.sizeOf(n)))).toEqual([
      undefined,
      undefined,
      1,
    ]);
  });
});
