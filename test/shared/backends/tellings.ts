import { SseParser } from "../../../shared/core/sse-parser.ts";

/** What one choice of an answer says: stretches of channels, in order. */
export type Speech = readonly (readonly [channel: string, text: string])[];

/** How a backend tells an answer: under which names, and in which pieces. */
export interface Telling {
  readonly name: string;
  /** One speech for each choice. */
  readonly speeches: readonly Speech[];
  readonly finish?: string;
  /** Lengths of the pieces, used in turn; choices take turns with them. */
  readonly pieces: readonly number[];
  readonly withUsage?: boolean;
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** The stream in which a backend would tell it. */
export function tell(telling: Telling): string {
  const { name, speeches, finish = "stop", pieces, withUsage = true } = telling;
  const chunk = (choices: unknown[], more: object = {}): string =>
    event({
      id: `chatcmpl-${name}`,
      object: "chat.completion.chunk",
      created: 1,
      model: name,
      choices,
      ...more,
    });
  const lines = speeches.map((_, index) =>
    chunk([{ index, delta: { role: "assistant", content: "" }, finish_reason: null }]),
  );
  const queues = speeches.map((speech) => cut(speech, pieces));
  const named = new Set<string>();
  for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
    const index = turn % queues.length;
    const piece = queues[index]?.shift();
    if (piece)
      lines.push(
        chunk([{ index, delta: deltaOf(piece, { name, index, named }), finish_reason: null }]),
      );
  }
  for (const index of speeches.keys())
    lines.push(chunk([{ index, delta: {}, finish_reason: finish }]));
  if (withUsage) lines.push(chunk([], { usage: { total_tokens: 7 } }));
  return `: hello\n\n${lines.join("")}data: [DONE]\n\n`;
}

function cut(speech: Speech, pieces: readonly number[]): [string, string][] {
  const queue: [string, string][] = [];
  let turn = 0;
  for (const [channel, text] of speech) {
    for (let at = 0; at < text.length; ) {
      const size = Math.max(1, pieces[turn++ % Math.max(1, pieces.length)] ?? 1);
      queue.push([channel, text.slice(at, at + size)]);
      at += size;
    }
  }
  return queue;
}

function deltaOf(
  [channel, text]: readonly [string, string],
  { name, index, named }: { name: string; index: number; named: Set<string> },
): object {
  const tool = /^tool(\d)$/.exec(channel)?.[1];
  if (tool === undefined) return { [channel]: text };
  const isFirst = !named.has(`${index} ${tool}`);
  named.add(`${index} ${tool}`);
  const call = { index: Number(tool), function: { arguments: text } };
  if (!isFirst) return { tool_calls: [call] };
  const opened = { ...call, id: `call-${name}`, type: "function" };
  return { tool_calls: [{ ...opened, function: { name: `f${tool}`, arguments: text } }] };
}

/** An answer as a client puts it together. */
export interface Heard {
  /** For each choice its stretches as one text. */
  readonly said: readonly string[];
  readonly ids: readonly string[];
  readonly roles: readonly number[];
  readonly toolIds: readonly string[];
  readonly usages: number;
  readonly dones: number;
  readonly finishes: readonly string[];
}

/** Puts a stream together, and fails on what no stream may hold. */
export function hear(bytes: Uint8Array): Heard {
  const said: string[] = [];
  const last: string[] = [];
  const roles: number[] = [];
  const [ids, toolIds, finishes] = [new Set<string>(), [] as string[], [] as string[]];
  let usages = 0;
  let dones = 0;
  const say = (index: number, channel: string, text: string): void => {
    if (text === "") return;
    said[index] = (said[index] ?? "") + (last[index] === channel ? text : `<${channel}>${text}`);
    last[index] = channel;
  };
  const parser = new SseParser({
    onEvent({ data }) {
      if (dones > 0) throw new Error("There is more behind the end.");
      if (data === "[DONE]") {
        dones += 1;
        return;
      }
      const chunk = JSON.parse(data);
      ids.add(`${chunk.id} ${chunk.model}`);
      if (chunk.usage) usages += 1;
      for (const { index, delta, finish_reason: reason } of chunk.choices) {
        if (delta.role) roles[index] = (roles[index] ?? 0) + 1;
        for (const name of ["reasoning_content", "content"]) say(index, name, delta[name] ?? "");
        for (const call of delta.tool_calls ?? []) {
          if (call.id) toolIds.push(`${index} ${call.index} ${call.id}`);
          say(index, `tool${call.index}`, call.function.arguments);
        }
        if (reason) finishes.push(`${index} ${reason}`);
      }
    },
  });
  parser.push(bytes);
  return { said, ids: [...ids], roles, toolIds, usages, dones, finishes };
}

/** A speech as `hear` puts it. */
export const asHeard = (speech: Speech): string => {
  let heard = "";
  let last = "";
  for (const [channel, text] of speech) {
    if (text === "") continue;
    heard += last === channel ? text : `<${channel}>${text}`;
    last = channel;
  }
  return heard;
};
