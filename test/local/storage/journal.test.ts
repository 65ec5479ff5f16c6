import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../../local/storage/journal.ts";
import type { LokiCollection, LokiDatabase, LokiDocument } from "../../../local/storage/loki.ts";

/** What Azurite's stores call on a collection. */
interface WritableCollection extends LokiCollection {
  insert(documents: object | object[]): void;
  update(documents: object | object[]): void;
  remove(documents: object | object[]): void;
  findAndRemove(query: object): void;
  findOne(query: object): LokiDocument | null;
  chain(): { find(query: object): { remove(): void } };
}

interface RealLoki extends LokiDatabase {
  getCollection(name: string): WritableCollection | null;
  addCollection(name: string, options?: object): WritableCollection;
}

const Loki = createRequire(import.meta.url)("lokijs") as new (name: string) => RealLoki;

describe("the storage journal", () => {
  let dir: string;
  let journal: Journal;
  let loki: RealLoki;

  const open = (): void => {
    journal = new Journal(join(dir, "storage.sqlite"), () => {});
    loki = new Loki("never-written.json");
    journal.attach("table", loki);
  };

  // A crash: what was not committed is not committed on the way out either.
  const crashAndOpen = (): void => {
    const abandoned = journal;
    Object.defineProperty(abandoned, "commit", { value: () => {} });
    abandoned.close();
    open();
  };

  const things = (): WritableCollection => {
    const collection = loki.getCollection("things");
    if (!collection) throw new Error("There is no collection.");
    return collection;
  };
  const names = (): unknown[] =>
    things().data.map((thing) => ("name" in thing ? thing.name : undefined));

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "journal-"));
    open();
    loki.addCollection("things", { indices: ["name"], unique: ["key"] });
  });

  afterEach(() => {
    journal.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("restores documents as they were in memory, with dates, bytes and numbers", () => {
    const thing = { name: "a", key: 1, at: new Date(5), md5: Buffer.from([1, 2]), gone: undefined };
    things().insert(thing);
    journal.commit();
    const before = { ...things().data[0] };
    crashAndOpen();
    expect(things().data[0]).toEqual(before);
    expect(things().data[0]).toMatchObject({ at: new Date(5), md5: Buffer.from([1, 2]) });
  });

  it("restores indices, so that queries and unique keys work as before", () => {
    things().insert([
      { name: "b", key: 1 },
      { name: "a", key: 2 },
    ]);
    journal.commit();
    crashAndOpen();
    expect(things().findOne({ name: "a" })).toMatchObject({ key: 2 });
    expect(() => things().insert({ name: "c", key: 2 })).toThrow(/Duplicate key/);
    expect(Object.keys(things().binaryIndices)).toEqual(["name"]);
  });

  it("loses what was not committed, and nothing else", () => {
    things().insert({ name: "kept", key: 1 });
    journal.commit();
    things().insert({ name: "lost", key: 2 });
    crashAndOpen();
    expect(names()).toEqual(["kept"]);
  });

  it("keeps the last state of a document that changed several times", () => {
    const thing = { name: "first", key: 1 };
    things().insert(thing);
    thing.name = "second";
    things().update(thing);
    journal.commit();
    thing.name = "third";
    things().update([thing]);
    journal.commit();
    crashAndOpen();
    expect(names()).toEqual(["third"]);
  });

  it.each<[string, (collection: WritableCollection) => void]>([
    ["remove", (collection) => collection.remove(collection.findOne({ name: "b" }) ?? {})],
    ["remove with a list", (collection) => collection.remove(collection.data.slice(1, 2))],
    ["findAndRemove", (collection) => collection.findAndRemove({ name: "b" })],
    ["chain().remove", (collection) => collection.chain().find({ name: "b" }).remove()],
  ])("keeps deletes made with %s", (_, remove) => {
    things().insert(["a", "b", "c"].map((name, key) => ({ name, key })));
    journal.commit();
    remove(things());
    journal.commit();
    crashAndOpen();
    expect(names()).toEqual(["a", "c"]);
  });

  it("replaces a document that is removed and inserted again in one commit", () => {
    things().insert({ name: "a", key: 1, etag: "old" });
    journal.commit();
    things().findAndRemove({ name: "a" });
    things().insert({ name: "a", key: 1, etag: "new" });
    journal.commit();
    crashAndOpen();
    expect(things().data).toHaveLength(1);
    expect(things().data[0]).toMatchObject({ etag: "new" });
  });

  it("drops a collection with its documents, also when it is made again at once", () => {
    things().insert({ name: "old", key: 1 });
    journal.commit();
    loki.removeCollection("things");
    loki.addCollection("things", { indices: [] }).insert({ name: "new", key: 1 });
    journal.commit();
    crashAndOpen();
    expect(names()).toEqual(["new"]);
    expect(Object.keys(things().binaryIndices)).toEqual([]);
  });

  it("forgets a collection that came and went within one commit", () => {
    loki.addCollection("brief").insert({ name: "a" });
    loki.removeCollection("brief");
    journal.commit();
    crashAndOpen();
    expect(loki.getCollection("brief")).toBeNull();
  });

  it("gives a new collection a number that no other database's collection has", () => {
    things().insert({ name: "table", key: 1 });
    journal.commit();
    crashAndOpen();
    const blobs = new Loki("also-never-written.json");
    journal.attach("blob", blobs);
    blobs.addCollection("things").insert({ name: "blob" });
    journal.commit();
    crashAndOpen();
    expect(names()).toEqual(["table"]);
  });

  it("keeps changes that could not be written, and writes them with the next commit", () => {
    const unwritable = { name: "a", key: 1, callback: (): void => {} };
    things().insert(unwritable);
    things().insert({ name: "b", key: 2 });
    expect(() => journal.commit()).toThrow(/could not be cloned/);
    expect(journal.isDirty).toBe(true);
    Reflect.deleteProperty(unwritable, "callback");
    journal.commit();
    crashAndOpen();
    expect(names()).toEqual(["a", "b"]);
  });

  it("does not let LokiJS write files of its own", () => {
    const database = loki as RealLoki & { saveDatabase(done: (error?: Error) => void): void };
    let saved: unknown = "not called";
    database.saveDatabase((error) => {
      saved = error;
    });
    expect(saved).toBeUndefined();
    expect(database.autosave).toBe(false);
  });
});
