import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SpoolError, storeBody } from "../../../shared/backends/index.ts";
import { TooManyBytesError } from "../../../shared/core/bytes.ts";
import type { RequestBody, StoredBody } from "../../../shared/core/http.ts";
import { rewriteModelInBody } from "../../../shared/routing/index.ts";
import { bodyOf, textOf } from "../../support/streams.ts";

const folder = mkdtempSync(join(tmpdir(), "store-body-"));
afterAll(() => rmSync(folder, { recursive: true }));

const memberNames: ReadonlySet<string> = new Set(["model", "stream"]);
const options = { maxBytes: 1000, memoryBytes: 10, memberNames, folder };

function spooled(body: RequestBody): StoredBody {
  if (body instanceof Uint8Array) throw new Error("The body is held in memory.");
  return body;
}

describe("storeBody", () => {
  it("holds a small body, and copies nothing when it came in one piece", async () => {
    const piece = Buffer.from("0123456789");
    expect(await storeBody(bodyOf(piece), options)).toBe(piece);
    expect(await storeBody(bodyOf("01234", "56789"), options)).toEqual(piece);
    expect(await storeBody(bodyOf(), options)).toHaveLength(0);
  });

  it("keeps a larger one outside of memory, to be read as often as wanted, also at once", async () => {
    const body = spooled(await storeBody(bodyOf("01234", "56789", "abc"), options));
    expect(body.sizeBytes).toBe(13);
    expect(await Promise.all([textOf(body.read()), textOf(body.read())])).toEqual([
      "0123456789abc",
      "0123456789abc",
    ]);
    expect(await textOf(body.read())).toBe("0123456789abc");
    expect(readdirSync(folder)).toEqual([]);
    body.close();
  });

  it("lets whoever reads it finish after it was closed, and nobody begin", async () => {
    const body = spooled(await storeBody(bodyOf("a".repeat(300), "b".repeat(300)), options));
    const reader = body.read()[Symbol.asyncIterator]();
    const first = await reader.next();
    body.close();
    body.close();
    expect(first.value?.byteLength).toBe(600);
    expect(await reader.next()).toMatchObject({ done: true });
    await expect(textOf(body.read())).rejects.toThrow("closed");
  });

  it("refuses what is too large, however it is kept", async () => {
    const pieces = Array.from({ length: 11 }, () => "x".repeat(100));
    await expect(storeBody(bodyOf(...pieces), options)).rejects.toThrow(TooManyBytesError);
    await expect(storeBody(bodyOf("x".repeat(11)), { ...options, maxBytes: 10 })).rejects.toThrow(
      TooManyBytesError,
    );
  });

  it("says when it is the disk that fails", async () => {
    const nowhere = { ...options, folder: join(folder, "missing") };
    await expect(storeBody(bodyOf("0123456789a"), nowhere)).rejects.toThrow(SpoolError);
  });

  it("fails as its source does", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("0123456789a");
      throw new Error("connection reset");
    }
    await expect(storeBody(broken(), options)).rejects.toThrow("connection reset");
  });

  it("finds the members that decide, and has the model replaced across any cut", async () => {
    const text = '{"messages":["é"],"model":"gpt","stream":true,"model":"gpt"}';
    for (let cut = 1; cut < text.length; cut++) {
      const parts = bodyOf(Buffer.from(text).subarray(0, cut), Buffer.from(text).subarray(cut));
      const body = spooled(await storeBody(parts, options));
      expect(body.members.map(({ text: value }) => value)).toEqual(['"gpt"', "true", '"gpt"']);
      const renamed = rewriteModelInBody(
        { ...viewOf(body), read: () => cutAt(body, cut) },
        "my-model",
      );
      const sent = await textOf(renamed instanceof Uint8Array ? renamed : renamed.read());
      expect(sent).toBe(text.replaceAll("gpt", "my-model"));
      expect(renamed).toMatchObject({ sizeBytes: Buffer.byteLength(sent) });
      body.close();
    }
  });

  it("leaves what names no model as it is", async () => {
    const body = spooled(await storeBody(bodyOf('{"stream":false,"a":1}'), options));
    expect(rewriteModelInBody(body, "other")).toBe(body);
    body.close();
  });
});

const viewOf = ({ sizeBytes, members, close }: StoredBody) => ({ sizeBytes, members, close });

async function* cutAt(body: StoredBody, cut: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of body.read()) {
    yield chunk.subarray(0, cut);
    yield chunk.subarray(cut);
  }
}
