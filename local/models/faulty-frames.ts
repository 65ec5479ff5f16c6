import type { Fault } from "./fault-script.ts";
import type { Ending, Frame, Frames } from "./frame.ts";

const DRIP_CHARACTERS = 16;
const MALFORMED_EVENT = 'data: {"id":"chatcmpl-broken","object":"chat.comple\n\n';
/**
 * Lets a stream go wrong where the fault says; `errorText` is how its protocol reports an error.
 * Other faults leave it as it is.
 */
export function withFault(frames: Frames, fault: Fault | undefined, errorText = ""): Frames {
  const at = fault?.value ?? 0;
  switch (fault?.name) {
    case "break-after":
      return cutAfter(frames, at, "break");
    case "stall-after":
      return cutAfter(frames, at, "stall");
    case "truncate":
      return cutAfter(frames, at, "complete");
    case "error-event":
      return cutAfter(frames, at, "complete", errorText);
    case "malformed":
      return insertAfter(frames, at, MALFORMED_EVENT);
    case "drip":
      return drip(frames, at);
    default:
      return frames;
  }
}

function* cutAfter(frames: Frames, tokens: number, ending: Ending, last?: string): Frames {
  let seen = 0;
  for (const frame of frames) {
    if (frame.isToken && seen === tokens) break;
    if (frame.isToken) seen += 1;
    yield frame;
  }
  if (last !== undefined) yield { text: last, delayMs: 0, isToken: false };
  return ending;
}

function* insertAfter(frames: Frames, tokens: number, text: string): Frames {
  let seen = 0;
  for (const frame of frames) {
    if (frame.isToken && seen === tokens) yield { text, delayMs: 0, isToken: false };
    if (frame.isToken) seen += 1;
    yield frame;
  }
  return undefined;
}

function* drip(frames: Frames, gapMs: number): Frames {
  for (const frame of frames) yield* split(frame, gapMs);
  return undefined;
}

function* split(frame: Frame, gapMs: number): Generator<Frame> {
  for (let at = 0; at < frame.text.length; at += DRIP_CHARACTERS) {
    const isFirst = at === 0;
    yield {
      text: frame.text.slice(at, at + DRIP_CHARACTERS),
      delayMs: isFirst ? Math.max(frame.delayMs, gapMs) : gapMs,
      isToken: isFirst && frame.isToken,
    };
  }
}
