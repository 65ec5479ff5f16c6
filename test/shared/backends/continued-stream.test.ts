import { describe, expect, it, vi } from "vitest";
import { committedStream } from "../../../shared/backends/committed-stream.ts";
import { BackendFailure, ContinuedStream } from "../../../shared/backends/index.ts";
import { textOf } from "../../support/streams.ts";

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const say = (content: string, id = "one", more: object = {}): string =>
  event({ id, model: id, choices: [{ index: 0, delta: { content }, ...more }] });
const finish = (id = "one"): string =>
  event({ id, model: id, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
const DONE = "data: [DONE]\n\n";
const failed = (kind: BackendFailure["kind"] = "reset"): BackendFailure =>
  new BackendFailure(kind, kind, { mayHaveBegun: true });

async function* coming(texts: readonly string[], failure?: Error) {
  for (const text of texts) yield Buffer.from(text);
  if (failure) throw failure;
  return undefined;
}

/** A first stream and those that may continue it. */
async function open(
  first: AsyncGenerator<Uint8Array, undefined>,
  others: readonly AsyncGenerator<Uint8Array, undefined>[] = [],
  maxChars?: number,
) {
  const [discard, onContinuation] = [vi.fn(), vi.fn()];
  const left = [...others];
  const restart = vi.fn(async () => {
    const next = left.shift();
    return next && (await committedStream(next));
  });
  const limit = maxChars === undefined ? {} : { maxChars };
  const options = {
    first: await committedStream(first),
    restart,
    discard,
    onContinuation,
    ...limit,
  };
  return { stream: new ContinuedStream(options), restart, discard, onContinuation };
}

/** Everything that is delivered, and what it ends with. */
async function read(stream: ContinuedStream) {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of stream) pieces.push(piece);
    return { text: Buffer.concat(pieces).toString() };
  } catch (error) {
    return { text: Buffer.concat(pieces).toString(), error };
  }
}

describe("a stream that is not broken", () => {
  it("passes byte for byte, its comments at once, half an event never", async () => {
    const whole = `: hello\n\n${say("Hel")}${say("lo")}`;
    const { stream, restart } = await open(
      coming([
        say("Hel"),
        ": ping\n\n",
        whole.slice(0, 20),
        whole.slice(20),
        finish(),
        DONE.trim(),
      ]),
    );
    expect(Buffer.from((await stream.next()).value ?? []).toString()).toBe(say("Hel"));
    expect(Buffer.from((await stream.next()).value ?? []).toString()).toBe(": ping\n\n");
    expect(Buffer.from((await stream.next()).value ?? []).toString()).toBe(": hello\n\n");
    expect(await textOf(stream)).toBe(whole.slice(": hello\n\n".length) + finish() + DONE.trim());
    expect(restart).not.toHaveBeenCalled();
  });
});

describe("a stream that breaks", () => {
  it("goes on with the rest alone, under its first name, half an event let go", async () => {
    const { stream, onContinuation } = await open(
      coming([say("Hel"), say("lo, w").slice(0, 30)], failed()),
      [coming([say("Hello", "two"), say(" world", "two"), finish("two"), DONE])],
    );
    const { text, error } = await read(stream);
    expect(error).toBeUndefined();
    expect(text).toBe(say("Hel") + say("lo") + say(" world") + finish() + DONE);
    expect(onContinuation.mock.calls).toEqual([["joined"]]);
  });

  it("shows nothing of the error event that broke it", async () => {
    const { stream } = await open(coming([say("a"), event({ error: { code: "overloaded" } })]), [
      coming([say("ab", "two"), finish("two"), DONE]),
    ]);
    const { text, error } = await read(stream);
    expect([error, text.includes("overloaded")]).toEqual([undefined, false]);
    expect(text).toContain('"content":"b"');
  });

  it.each([
    ["content_filter", { error: { code: "content_filter", message: "no" } }],
    ["invalid_request_error", { error: { type: "invalid_request_error" } }],
  ])("by a verdict on the request is told nowhere else: %s", async (_, verdict) => {
    const { stream, restart } = await open(coming([say("a"), event(verdict)]), [
      coming([say("ab"), DONE]),
    ]);
    const { text, error } = await read(stream);
    expect(restart).not.toHaveBeenCalled();
    expect([text, error]).toEqual([say("a") + event(verdict), undefined]);
  });

  it.each([
    ["another letter", [say("Hex", "two")]],
    ["less", [say("He", "two"), finish("two"), DONE]],
    ["nothing that can be compared", [say("Hel", "two").replace('"Hel"', "7"), say("x"), DONE]],
    ["half a token with its probabilities", [say("Hello", "two", { logprobs: { content: [] } })]],
    ["no chunk", [say("H", "two"), "data: what\n\n", say("ello", "two")]],
  ])("ends in its own error where the other says %s", async (_, texts) => {
    const { stream, discard, onContinuation } = await open(
      coming([say("Hel")], failed("idle-timeout")),
      [coming(texts)],
    );
    const { text, error } = await read(stream);
    expect(text.replaceAll(":\n\n", "")).toBe(say("Hel"));
    expect(error).toMatchObject({ kind: "idle-timeout" });
    expect(discard).toHaveBeenCalled();
    expect(onContinuation.mock.calls).toEqual([["diverged"]]);
  });

  it.each([
    ["took as long as it may", coming([say("a")], failed("total-timeout")), undefined],
    ["is no completion", coming([event({ hello: 1 })], failed()), undefined],
    ["says what has no letters", coming([say("a").replace('"a"', '{"n":1}')], failed()), undefined],
    ["has said too much to compare", coming([say("abcd"), say("ef")], failed()), 5],
    ["is given up by its reader", coming([say("a")], new Error("client left")), undefined],
  ])("is not told again when it %s", async (_, first, maxChars) => {
    const { stream, restart } = await open(first, [], maxChars);
    expect((await read(stream)).error).toBeDefined();
    expect(restart).not.toHaveBeenCalled();
  });

  it("ends in its own error when nobody answers", async () => {
    const { stream, onContinuation } = await open(coming([say("a")], failed()));
    expect((await read(stream)).error).toMatchObject({ kind: "reset" });
    expect(onContinuation.mock.calls).toEqual([["unanswered"]]);
  });

  it("keeps the connection in use while it is told again", async () => {
    const { stream } = await open(coming([say("ab")], failed()), [
      coming([say("a", "two"), ": ping\n\n", say("bc", "two"), finish("two"), DONE]),
    ]);
    const { text } = await read(stream);
    expect(text.slice(say("ab").length)).toMatch(/^(:\n\n){2}data:/);
  });

  it("keeps the ids of its tool calls, and names each once", async () => {
    const call = (id: string, rest: object, name = "f") =>
      event({
        id,
        choices: [
          {
            index: 0,
            delta: {
              tool_calls: [
                { index: 0, id: `call-${id}`, type: "function", function: { name, ...rest } },
              ],
            },
          },
        ],
      });
    const { stream } = await open(coming([call("one", { arguments: '{"a"' })], failed()), [
      coming([call("two", { arguments: '{"a":1}' }), finish("two"), DONE]),
    ]);
    const { text } = await read(stream);
    expect(text).not.toContain("call-two");
    expect(text).toContain('"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]');
    const other = await open(coming([call("one", { arguments: "{" })], failed()), [
      coming([call("two", { arguments: "{}" }, "g"), finish("two"), DONE]),
    ]);
    expect((await read(other.stream)).error).toBeDefined();
  });

  it("takes its name from where its text begins, not from what was announced before", async () => {
    const announced = event({
      id: "",
      model: "",
      created: 0,
      choices: [],
      prompt_filter_results: [],
    });
    const { stream } = await open(coming([announced, say("a")], failed()), [
      coming([announced, say("ab", "two"), finish("two"), DONE]),
    ]);
    const { text } = await read(stream);
    expect(text.match(/"id":"one"/g)).toHaveLength(3);
    expect(text.match(/prompt_filter_results/g)).toHaveLength(1);
    expect(text).not.toContain("two");
  });

  it("is continued as text completions too", async () => {
    const text = (value: string, reason: string | null = null): string =>
      event({ id: "t", choices: [{ index: 0, text: value, finish_reason: reason }] });
    const { stream } = await open(coming([text("ab")], failed()), [
      coming([text("a"), text("bc"), text("", "stop"), DONE]),
    ]);
    expect((await read(stream)).text.replaceAll(":\n\n", "")).toBe(
      text("ab") + text("c") + text("", "stop") + DONE,
    );
  });
});
