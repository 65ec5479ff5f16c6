import {
  documentReader,
  LiveDocument,
  type LiveDocumentOptions,
  type ParsedContent,
} from "../../../shared/documents/index.ts";
import type { TelemetryEvent } from "../../../shared/telemetry/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { ScriptedSource } from "./scripted-source.ts";

/** The interval of the documents under test. */
export const INTERVAL_MS = 30_000;

/** Texts that begin with "bad" are wrong, as "odd" ones are odd. */
export function parse(text: string): ParsedContent<string> {
  if (text.startsWith("bad")) return { ok: false, problems: [`${text}: 1`, `${text}: 2`] };
  return { ok: true, value: text.toUpperCase(), warnings: text.startsWith("odd") ? ["odd"] : [] };
}

/** A document that follows a scripted source on a fake clock. */
export function setUp(options: Partial<LiveDocumentOptions<string>> = {}) {
  const clock = new FakeClock();
  const source = new ScriptedSource();
  const events: TelemetryEvent[] = [];
  const stop = new AbortController();
  const document = new LiveDocument<string>({
    name: "profiles",
    reader: documentReader(source, parse),
    presence: { required: true },
    clock,
    random: () => 0,
    emit: (event) => events.push(event),
    signal: stop.signal,
    intervalMs: INTERVAL_MS,
    ...options,
  });
  return { clock, source, events, stop, document, names: () => events.map(({ event }) => event) };
}
