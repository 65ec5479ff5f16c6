import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepWhole, type WholeBodyOptions } from "../../../shared/backends/whole-body.ts";
import { chunkOf, headOf, LAST_CHUNK } from "../../support/raw-backend.ts";
import { bodyOf, textOf } from "../../support/streams.ts";
import { callTo, failureOf, openBackend, openClient } from "./client-world.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whole-body-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const keep = (source: AsyncIterable<Uint8Array>, options: WholeBodyOptions = {}) =>
  keepWhole(source, { folder, memoryBytes: 4, maxBytes: 1_000_000, ...options });

/** Open files of this process below the folder; an unlinked one shows only here. */
async function openFiles(): Promise<number> {
  if (process.platform !== "linux") return 0;
  const { readlink } = await import("node:fs/promises");
  const names = await readdir("/proc/self/fd");
  const targets = await Promise.all(
    names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")),
  );
  return targets.filter((target) => target.startsWith(folder)).length;
}

async function* breaking(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("123456789");
  throw new Error("connection reset");
}

describe("keepWhole", () => {
  it.each([
    ["nothing", []],
    ["what fits into memory", ["ab", "cd"]],
    ["what does not", ["ab", "cd", "efg", "h"]],
    ["one large piece", ["x".repeat(700_000)]],
  ])("gives back %s", async (_, pieces) => {
    const { body } = await keep(bodyOf(...pieces));
    expect(await textOf(body)).toBe(pieces.join(""));
    expect([await openFiles(), await readdir(folder)]).toEqual([0, []]);
  });

  it("throws what its source throws, and leaves no file", async () => {
    await expect(keep(breaking())).rejects.toThrow("connection reset");
    expect([await openFiles(), await readdir(folder)]).toEqual([0, []]);
  });

  it("refuses more than it may take", async () => {
    const failure = await failureOf(keep(bodyOf("12345", "67890"), { maxBytes: 9 }));
    expect(failure).toMatchObject({ kind: "protocol" });
    expect(await openFiles()).toBe(0);
  });

  it("leaves no file when what it holds is discarded, read or not", async () => {
    const unread = await keep(bodyOf("123456789"));
    unread.discard();
    unread.discard();
    const begun = await keep(bodyOf("123456789"));
    for await (const _ of begun.body) break;
    await expect.poll(openFiles).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("a call for a whole answer", () => {
  const chunked = headOf("200 OK", "Transfer-Encoding: chunked");

  it("resolves with the last byte", async () => {
    const backend = await openBackend(
      ({ socket }) => void socket.write(chunked + chunkOf("one") + chunkOf("two") + LAST_CHUNK),
    );
    const { body } = await openClient().call(callTo(backend, { whole: true }));
    expect(await textOf(body)).toBe("onetwo");
  });

  it.each([
    ["chunks", chunked + chunkOf("one")],
    ["a length", `${headOf("200 OK", "Content-Length: 6")}one`],
  ])(
    "fails where the body breaks, in spite of %s, so that it can be asked for elsewhere",
    async (_, text) => {
      const backend = await openBackend(({ socket }) => void socket.end(text));
      const failure = await failureOf(openClient().call(callTo(backend, { whole: true })));
      expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
    },
  );
});
