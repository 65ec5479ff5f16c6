import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { chunkOf, headOf } from "../../support/raw-backend.ts";
import { callTo, openBackend, openClient, readOut } from "./client-world.ts";

const HEAD = headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked");
const ERROR = JSON.stringify({ error: { code: "context_length_exceeded", message: "long" } });
const FAILED = JSON.stringify({
  type: "response.failed",
  response: { error: { code: "context_length_exceeded" } },
});
const ROLE = 'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n';
const HELLO = 'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n';

/** The answer of a backend whose stream goes on, whatever it said. */
async function answerTo(...events: readonly string[]) {
  const backend = await openBackend(
    ({ socket }) => void socket.write(HEAD + events.map(chunkOf).join("")),
  );
  const answer = await openClient().call(callTo(backend));
  answer.discard();
  return answer;
}

describe("a stream that refuses its request", () => {
  it.each([
    ["at once", [`data: ${ERROR}\n\n`], ERROR],
    ["behind what only announces an answer", [": wait\n\n", ROLE, `data: ${ERROR}\n\n`], ERROR],
    ["as a response that failed", [`event: response.failed\ndata: ${FAILED}\n\n`], FAILED],
  ])("%s is told by what it says", async (_, events, refusal) => {
    expect((await answerTo(...events)).refusal).toBe(refusal);
  });

  it("in the middle of an answer is an answer", async () => {
    expect((await answerTo(`${HELLO}data: ${ERROR}\n\n`)).refusal).toBeUndefined();
  });
});

describe("a stream whose last word has come", () => {
  it.each([
    ["read as it comes", false],
    ["taken whole", true],
  ])("is whole although its connection stays open: %s", async (_, whole) => {
    const clock = new FakeClock();
    const done = chunkOf("data: [DONE]\n\n");
    const backend = await openBackend(
      ({ socket }) => void socket.write(HEAD + chunkOf(HELLO) + done),
    );
    const answered = openClient({ clock }).call(callTo(backend, { whole }));
    const reading = answered.then(({ body }) => readOut(body));
    let outcome: unknown;
    void reading.then((read) => {
      outcome = read;
    });
    await eventually(() => backend.requests.length).toBe(1);
    // Slower than the limit for silence would be reached: that one must not be what ends it.
    const later = async (): Promise<unknown> => {
      await clock.advance(100);
      return outcome;
    };
    await expect
      .poll(later, { timeout: 20_000, interval: 10 })
      .toEqual({ text: `${HELLO}data: [DONE]\n\n` });
    await eventually(() => backend.open.size).toBe(0);
  });
});
