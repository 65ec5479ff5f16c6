import { describe, expect, it } from "vitest";
import {
  appConfigurationSource,
  type ConfigurationStore,
  DocumentError,
  type SettingEntry,
} from "../../../shared/documents/index.ts";

const never = new AbortController().signal;
const CONNECTION = { kind: "connectionString", connectionString: "" } as const;

/** A store that a test fills. Scope: one test. */
class FakeStore implements ConfigurationStore {
  sentinel: string | undefined;
  entries: SettingEntry[] = [];
  failure: Error | undefined;
  lists = 0;

  async versionOf(): Promise<string | undefined> {
    if (this.failure) throw this.failure;
    return this.sentinel;
  }

  async *list(keyFilter: string): AsyncIterable<SettingEntry> {
    this.lists += 1;
    const prefix = keyFilter.slice(0, -1);
    yield* this.entries.filter(({ key }) => key.startsWith(prefix));
  }
}

const open = (store: FakeStore, limitBytes = 1000) =>
  appConfigurationSource({ connection: CONNECTION, open: async () => store, limitBytes });

describe("settings in App Configuration", () => {
  it("are read again only when the sentinel has changed", async () => {
    const store = new FakeStore();
    store.sentinel = "1";
    store.entries = [
      { key: "Warm:Timeout", value: "1" },
      { key: "Cold:Workers", value: "2" },
    ];
    const source = open(store);
    expect(await source.load(undefined, never)).toEqual({
      changed: true,
      version: "1",
      content: [{ key: "Warm:Timeout", value: "1" }],
    });
    store.entries = [{ key: "Warm:Timeout", value: "3" }];
    expect(await source.load("1", never)).toEqual({ changed: false });
    expect(store.lists).toBe(1);
    store.sentinel = "2";
    expect(await source.load("1", never)).toMatchObject({
      version: "2",
      content: [{ key: "Warm:Timeout", value: "3" }],
    });
  });

  it("are compared by content where there is no sentinel", async () => {
    const store = new FakeStore();
    store.entries = [{ key: "Warm:Timeout", value: "1" }];
    const source = open(store);
    const first = await source.load(undefined, never);
    const version = first.changed ? first.version : "";
    expect(await source.load(version, never)).toEqual({ changed: false });
    store.entries = [];
    expect(await source.load(version, never)).toMatchObject({ changed: true, content: [] });
  });

  it("fail with a reason that holds no secret, and are opened anew after a failure to open", async () => {
    const store = new FakeStore();
    store.failure = Object.assign(new Error("Secret=s3cret"), { statusCode: 403 });
    const failure = await open(store)
      .load(undefined, never)
      .catch((error: unknown) => error);
    expect(failure).toEqual(new DocumentError("App Configuration cannot be read (403)"));
    store.failure = undefined;
    store.entries = [{ key: "Warm:Timeout", value: "x".repeat(2000) }];
    await expect(open(store).load(undefined, never)).rejects.toThrow("larger than 1000 bytes");
    let openings = 0;
    const source = appConfigurationSource({
      connection: CONNECTION,
      open: async () => {
        openings += 1;
        if (openings === 1) throw new Error("no network");
        return store;
      },
    });
    await expect(source.load(undefined, never)).rejects.toThrow("cannot be read");
    expect(await source.load(undefined, never)).toMatchObject({ changed: true });
    expect(openings).toBe(2);
  });
});
