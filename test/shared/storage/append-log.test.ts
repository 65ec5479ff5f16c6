import type { ContainerClient } from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { createAppendLog } from "../../../shared/storage/append-log.ts";

const OPTIONS = { name: "log", contentType: "text/plain", timeoutMs: 1000 };

/** An append blob whose answers can get lost: the library then sends the same call again. */
function fakeContainer() {
  const state = { text: "", losesAnswers: false };
  const block = (bytes: Buffer, position: number): void => {
    if (position !== state.text.length) {
      throw Object.assign(new Error("position"), { statusCode: 412 });
    }
    state.text += bytes.toString();
  };
  const blob = {
    create: async () => {
      state.text = "";
    },
    appendBlock: async (
      bytes: Buffer,
      _length: number,
      { conditions }: { conditions: { appendPosition: number } },
    ) => {
      block(bytes, conditions.appendPosition);
      if (state.losesAnswers) block(bytes, conditions.appendPosition);
    },
    getProperties: async () => ({ contentLength: state.text.length }),
  };
  const container = { getAppendBlobClient: () => blob } as unknown as ContainerClient;
  return { state, container };
}

describe("a log that is appended to", () => {
  it("has a block once, though the answer to it got lost and it was sent again", async () => {
    const { state, container } = fakeContainer();
    const log = await createAppendLog(container, OPTIONS);
    await log.append(Buffer.from("one "));
    state.losesAnswers = true;
    await log.append(Buffer.from("two "));
    await log.append(Buffer.from("three"));
    expect(state.text).toBe("one two three");
  });

  it("fails where somebody else has written", async () => {
    const { state, container } = fakeContainer();
    const log = await createAppendLog(container, OPTIONS);
    state.text = "theirs";
    await expect(log.append(Buffer.from("mine"))).rejects.toMatchObject({
      code: "storage-unavailable",
    });
    expect(state.text).toBe("theirs");
  });
});
