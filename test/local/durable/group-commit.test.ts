import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import type { CommitNotes } from "../../../local/durable/store/commit-notes.ts";
import { GroupCommit } from "../../../local/durable/store/group-commit.ts";

let db: DatabaseSync;
let commits: GroupCommit;
let notes: CommitNotes[];

beforeEach(() => {
  db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY)");
  notes = [];
  commits = new GroupCommit(db, (note) => notes.push(note));
});

const insert = (n: number) => () => {
  db.prepare("INSERT INTO t VALUES (?)").run(n);
  commits.notes.instances.add(`i${n}`);
  return n;
};
const stored = () =>
  db
    .prepare("SELECT n FROM t ORDER BY n")
    .all()
    .map(({ n }) => n);

describe("the group commit", () => {
  it("writes the steps of one turn in one transaction and tells once what they changed", async () => {
    const results = Promise.all([1, 2, 3].map((n) => commits.run(insert(n))));
    expect(stored()).toEqual([]);
    expect(await results).toEqual([1, 2, 3]);
    expect(notes.map(({ instances }) => [...instances])).toEqual([["i1", "i2", "i3"]]);
  });

  it("rejects only the step that fails, and keeps what the others wrote", async () => {
    const outcomes = await Promise.allSettled([1, 2, 1, 3].map((n) => commits.run(insert(n))));
    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(stored()).toEqual([1, 2, 3]);
    expect(notes.flatMap(({ instances }) => [...instances])).toEqual(["i1", "i2", "i3"]);
  });

  it("rejects a step that comes after the database is closed", async () => {
    const late = commits.run(insert(1));
    db.close();
    await expect(late).rejects.toThrow("database is not open");
  });

  it("leaves nothing of a step that fails half way", async () => {
    const half = commits.run(() => {
      insert(1)();
      throw new Error("half way");
    });
    await expect(half).rejects.toThrow("half way");
    expect(stored()).toEqual([]);
    expect(notes).toEqual([]);
  });
});
