import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DocumentError, fileSource } from "../../../shared/documents/index.ts";

const never = new AbortController().signal;

describe("a document in a file", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "documents-"));
    path = join(folder, "users.json");
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is read again only when its bytes have changed, not its times", async () => {
    await writeFile(path, "[1]");
    const source = fileSource({ path });
    const first = await source.load(undefined, never);
    expect(first).toMatchObject({ changed: true, content: "[1]" });
    const version = first.changed ? first.version : "";
    await writeFile(path, "[1]");
    expect(await source.load(version, never)).toEqual({ changed: false });
    await writeFile(path, "[2]");
    expect(await source.load(version, never)).toMatchObject({ changed: true, content: "[2]" });
  });

  it("loses its byte order mark", async () => {
    await writeFile(path, "\ufeff[]");
    expect(await fileSource({ path }).load(undefined, never)).toMatchObject({ content: "[]" });
  });

  it("is refused when it is missing, too large or no text, and says so", async () => {
    const failureOf = (limitBytes: number): Promise<unknown> =>
      fileSource({ path, limitBytes })
        .load(undefined, never)
        .catch((error: unknown) => error);
    expect(await failureOf(10)).toEqual(
      new DocumentError(`the file ${path} cannot be read (ENOENT)`),
    );
    await writeFile(path, "x".repeat(11));
    expect(await failureOf(10)).toEqual(new DocumentError("the document is larger than 10 bytes"));
    await writeFile(path, Buffer.from([0x5b, 0xff, 0x5d]));
    expect(await failureOf(10)).toEqual(new DocumentError("the document is not UTF-8"));
  });

  it("is read with what it was given", async () => {
    const source = fileSource({
      path: "p",
      limitBytes: 5,
      readFile: async (name, { limitBytes }) => Buffer.from(`${name}${limitBytes}`),
    });
    expect(await source.load(undefined, never)).toMatchObject({ content: "p5" });
  });
});
