import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { coming, deliveredOf } from "./broken-streams.ts";
import { type Event, type EventTelling, eventsOf, type Part, written } from "./event-tellings.ts";
import { messageEvents } from "./messages-telling.ts";
import { responseEvents } from "./responses-telling.ts";

const PARTS: readonly Part[] = [
  ["thought", "So."],
  ["text", "Hello"],
  ["tool", '{"a":1}'],
];
const telling = (name: string, parts = PARTS): EventTelling => ({ name, parts, pieces: [2] });

/** Delivers the first events of one stream, and then what another makes of it. */
async function continued(first: readonly Event[], second: readonly Event[], maxChars?: number) {
  const begun = written(first);
  const streams = [coming(begun, [], Buffer.byteLength(begun)), coming(written(second))];
  const delivered = await deliveredOf(streams, maxChars);
  if (!delivered) throw new Error("The first stream did not begin.");
  const events = eventsOf<{ type: string } & Record<string, unknown>>(delivered.bytes);
  return { ...delivered, events: events.slice(first.length) };
}

/** The events up to the first that holds these words, and that one. */
function until(events: readonly Event[], words: string): readonly Event[] {
  const at = events.findIndex((event) => JSON.stringify(event).includes(words));
  if (at < 0) throw new Error(`No event says ${words}.`);
  return events.slice(0, at + 1);
}

const edited = (events: readonly Event[], from: string, to: string): Event[] =>
  JSON.parse(JSON.stringify(events).replaceAll(from, to));
const inserted = (events: readonly Event[], at: number, event: Event): Event[] =>
  events.toSpliced(at, 0, event);

describe("a response that breaks and is told again", () => {
  const one = responseEvents(telling("one"));
  const two = responseEvents(telling("two"));

  it("is one response for the client of its provider", async () => {
    const { bytes } = await continued(until(one, '"delta":"{\\"'), two);
    const fetch = async () =>
      new Response(bytes, { headers: { "content-type": "text/event-stream" } });
    const client = new OpenAI({ apiKey: "key", baseURL: "http://model.test/v1", fetch });
    const final = await client.responses.stream({ model: "m", input: "Hi" }).finalResponse();
    expect(final).toMatchObject({ id: "resp_one", model: "one", output_text: "Hello" });
    expect(final.output).toMatchObject([
      { id: "thought_one_0" },
      { id: "text_one_1" },
      { id: "tool_one_2", call_id: "call_one_2", arguments: '{"a":1}' },
    ]);
  });

  it("is told nothing twice that was told before", async () => {
    const begun = until(one, '"delta":"He"');
    const { events } = await continued(begun, two);
    expect(events.map(({ type }) => type)).toEqual(one.slice(begun.length).map(({ type }) => type));
    expect(events.slice(0, 2).map(({ delta }) => delta)).toEqual(["ll", "o"]);
  });

  it("hands on what its provider says to keep the connection", async () => {
    const alive = { type: "keepalive", sequence_number: 4 };
    const begun = until(one, '"delta":"He"');
    const { outcomes } = await continued(inserted(begun, 4, alive), inserted(two, 2, alive));
    expect(outcomes).toEqual(["joined"]);
  });

  it("shows nothing of an error that only its data tell of", async () => {
    const begun = written(until(one, '"delta":"He"'));
    const failing = coming(`${begun}data: {"type":"error","code":"x"}\n\n`, [begun.length]);
    const delivered = await deliveredOf([failing, coming(written(two))]);
    expect([delivered?.outcomes, delivered?.error]).toEqual([["joined"], undefined]);
    expect(Buffer.from(delivered?.bytes ?? []).toString()).not.toContain('"error"');
  });

  describe("by its own last word", () => {
    const failed = (events: readonly Event[], code = "server_error"): Event[] => {
      const [begun] = events;
      const response = { ...(begun?.["response"] as object), error: { code, message: "no" } };
      const last = { type: "response.failed", sequence_number: events.length, response };
      return [...events, last];
    };
    const begun = until(one, '"delta":"He"');
    const asked = async (...all: (readonly Event[])[]) => {
      const delivered = await deliveredOf(all.map((events) => coming(written(events), [200, 900])));
      if (!delivered) throw new Error("The first stream did not begin.");
      return { ...delivered, events: eventsOf(delivered.bytes) };
    };

    it("is told again, and its failure is not heard of", async () => {
      const { events, error, outcomes } = await asked(failed(begun), two);
      expect([error, outcomes]).toEqual([undefined, ["joined"]]);
      expect(events.at(-1)).toMatchObject({
        type: "response.completed",
        response: { id: "resp_one" },
      });
      expect(JSON.stringify(events)).not.toContain("server_error");
    });

    it.each<[string, (readonly Event[])[]]>([
      ["nobody answers", []],
      ["another says something else", [edited(two, '"He"', '"Ha"')]],
      ["another fails as well before it has said as much", [failed(two.slice(0, 4))]],
    ])("ends in that word when %s", async (_, others) => {
      const { events, error } = await asked(failed(begun), ...others);
      expect([error, events]).toEqual([undefined, failed(begun)]);
    });

    it("ends in that word of the one that went on, under the first one's name", async () => {
      const { events, error, outcomes } = await asked(
        failed(begun),
        failed(until(two, '"delta":"o"')),
      );
      expect([error, outcomes]).toEqual([undefined, ["joined", "unanswered"]]);
      const last = {
        type: "response.failed",
        response: { id: "resp_one", error: { code: "server_error" } },
      };
      expect(events.at(-1)).toMatchObject({ ...last, sequence_number: events.length - 1 });
    });

    it("does not end in that word once another has gone on, and breaks", async () => {
      const further = written(until(two, '"delta":"o"'));
      const streams = [coming(written(failed(begun)), [200]), coming(further, [], further.length)];
      const delivered = await deliveredOf(streams);
      expect(delivered?.outcomes).toEqual(["joined", "unanswered"]);
      expect(delivered?.error).toMatchObject({ kind: "truncated" });
      expect(Buffer.from(delivered?.bytes ?? []).toString()).not.toContain("response.failed");
    });

    it("may be told by a third", async () => {
      const { events, error, outcomes } = await asked(failed(begun), failed(two.slice(0, 4)), two);
      expect([error, outcomes]).toEqual([undefined, ["joined"]]);
      expect(events.at(-1)).toMatchObject({ type: "response.completed" });
    });

    it("is left as it is where it is a verdict on the request", async () => {
      const verdict = failed(begun, "content_filter");
      const { events, asked: times, error } = await asked(verdict, two);
      expect([times, error, events]).toEqual([0, undefined, verdict]);
    });
  });

  it("keeps the seal of reasoning that was delivered, with the name it holds for", async () => {
    const sealed = (events: readonly Event[], seal: string) =>
      edited(events, '"type":"reasoning"', `"type":"reasoning","encrypted_content":"${seal}"`);
    const first = sealed(one, "seal one");
    const { events, outcomes } = await continued(until(first, '"He"'), sealed(two, "seal two"));
    expect(outcomes).toEqual(["joined"]);
    const [done] = events.slice(-1);
    expect(JSON.stringify(done)).toContain('"encrypted_content":"seal one"');
    expect(JSON.stringify(events)).not.toContain("seal two");
  });

  it("ends in its error where reasoning under its name would have another's seal", async () => {
    const onlyDone = (events: readonly Event[], seal: string) =>
      events.map((event) =>
        event["type"] === "response.output_item.done" || event["type"] === "response.completed"
          ? (edited(
              [event],
              '"type":"reasoning"',
              `"type":"reasoning","encrypted_content":"${seal}"`,
            )[0] ?? {})
          : event,
      );
    const begun = until(one, '"delta":"So"');
    const { events, error, outcomes } = await continued(begun, onlyDone(two, "seal two"));
    expect(outcomes).toEqual(["joined", "diverged"]);
    expect(error).toMatchObject({ kind: "truncated" });
    expect(events.at(-1)).toMatchObject({ type: "response.reasoning_summary_part.done" });
  });

  it.each<[string, readonly Event[], number | undefined]>([
    ["is stored under its name", edited(one, '"store":false', '"store":true'), undefined],
    [
      "has let its provider run a tool",
      edited(one, '"type":"reasoning"', '"type":"web_search_call"'),
      undefined,
    ],
    ["says what has no letters", edited(one, '"delta":"So"', '"delta":7'), undefined],
    [
      "speaks in an unknown way",
      edited(one, "response.reasoning_summary_text.delta", "response.audio.delta"),
      undefined,
    ],
    ["has said too much to compare", one, 20],
  ])("is not told again when it %s", async (_, first, maxChars) => {
    const { asked, error, events } = await continued(until(first, '"He"'), two, maxChars);
    expect([asked, events]).toEqual([0, []]);
    expect(error).toMatchObject({ kind: "truncated" });
  });

  it.each<[string, readonly Event[]]>([
    ["another letter", edited(two, "He", "Ha")],
    ["another tool", edited(two, '"name":"look"', '"name":"find"')],
    ["less", [...two.slice(0, 6), ...two.slice(-1)]],
    ["it in another part", edited(two, "output_text.delta", "refusal.delta")],
    [
      "probabilities of half a token",
      edited(two, '"delta":"{\\"', '"logprobs":[{}],"delta":"{\\"'),
    ],
    ["it in another protocol", messageEvents(telling("two"))],
  ])("ends in its error where the other says %s", async (_, second) => {
    const first = responseEvents({ ...telling("one"), pieces: [1] });
    const { events, error, outcomes } = await continued(until(first, '"delta":"{"'), second);
    expect([events, outcomes]).toEqual([[], ["diverged"]]);
    expect(error).toMatchObject({ kind: "truncated" });
  });
});

describe("a message that breaks and is told again", () => {
  const one = messageEvents(telling("one"));
  const two = messageEvents(telling("other"));

  it("goes on in its block, and ends with the usage of the call that ended it", async () => {
    const cached = edited(
      two,
      '"output_tokens":1}',
      '"output_tokens":1,"cache_read_input_tokens":9}',
    );
    const { events, outcomes } = await continued(until(one, '"He"'), cached);
    expect(outcomes).toEqual(["joined"]);
    expect(events[0]).toEqual({
      type: "content_block_delta",
      index: 1,
      delta: { type: "text_delta", text: "ll" },
    });
    const usage = { input_tokens: 500, cache_read_input_tokens: 9, output_tokens: 500 };
    expect(events.at(-2)).toMatchObject({ type: "message_delta", usage });
    expect(events.filter(({ type }) => type === "message_start")).toEqual([]);
  });

  it("is not accounted for twice when it broke behind its account", async () => {
    const { events, outcomes } = await continued(one.slice(0, -1), two);
    expect([events, outcomes]).toEqual([[{ type: "message_stop" }], ["joined"]]);
  });

  it("keeps a signature that was delivered, and takes one that was not", async () => {
    const signed = await continued(until(one, "signature_delta"), two);
    expect(JSON.stringify(signed.events)).not.toContain("other signs");
    const unsigned = await continued(until(one, '"thinking":"So"'), two);
    expect(JSON.stringify(unsigned.events)).toContain("other signs 0");
  });

  it("compares what is sealed and quoted as it is", async () => {
    const blocks = (data: string, url: string): readonly Event[] => [
      ...two.slice(0, 1),
      { type: "content_block_start", index: 0, content_block: { type: "redacted_thinking", data } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      {
        type: "content_block_delta",
        index: 1,
        delta: { type: "citations_delta", citation: { url } },
      },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Hi" } },
      { type: "content_block_stop", index: 1 },
      ...two.slice(-2),
    ];
    const first = until(blocks("d", "u"), '"Hi"');
    expect((await continued(first, blocks("d", "u"))).outcomes).toEqual(["joined"]);
    expect((await continued(first, blocks("e", "u"))).outcomes).toEqual(["diverged"]);
    expect((await continued(first, blocks("d", "v"))).outcomes).toEqual(["diverged"]);
  });

  it.each([
    ["server_tool_use", edited(one, '"type":"thinking",', '"type":"server_tool_use",')],
    ["mcp_tool_use", edited(one, '"type":"thinking",', '"type":"mcp_tool_use",')],
    ["an unknown event", inserted(one, 3, { type: "content_block_aside", index: 0 })],
  ])("is not told again when it holds %s", async (_, first) => {
    const { asked, error } = await continued(until(first, '"He"'), two);
    expect([asked, error]).toMatchObject([0, { kind: "truncated" }]);
  });

  it.each([
    ["another tool", edited(two, '"name":"look"', '"name":"find"')],
    ["another letter of its thoughts", edited(two, '"So"', '"No"')],
    ["its text as a thought", edited(two, "text_delta", "thinking_delta")],
    ["another end", edited(two, "end_turn", "max_tokens")],
  ])("ends in its error where the other says %s", async (_, second) => {
    const { events, outcomes } = await continued(one.slice(0, -1), second);
    expect([events, outcomes]).toEqual([[], ["diverged"]]);
  });
});
