import type { EventHubSettings, EventLogSettings, Settings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { TelemetryEvent } from "../telemetry/index.ts";
import { VERSION } from "../telemetry/index.ts";
import { type EventProducer, openEventHub, sendToHub } from "./event-hub.ts";
import { ExportBuffer } from "./export-buffer.ts";
import { RotatingFile } from "./rotating-file.ts";
import type { OwnedSink } from "./send-spans.ts";
import { type CommonFacts, categoryOf, type LogEvent, toLogEvent } from "./to-log-event.ts";

export interface EventLogOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  /** Counts what is lost. */
  lost(sink: string, reason: string, count: number): void;
  /** Where lines go that are for the console. */
  print(text: string): void;
  /** How an event hub is opened; the SDK's unless given. */
  readonly openHub?: (settings: EventHubSettings) => Promise<EventProducer>;
}

/** Somebody who gets the log's events. */
interface Receiver {
  readonly name: string;
  send(events: readonly LogEvent[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const BATCH = 200;
const DELAY_MS = 500;
const TIMEOUT_MS = 30_000;

/** The original's event log, for each who gets it. None where it is not configured. */
export function openEventLog(options: EventLogOptions): readonly OwnedSink[] {
  const { eventLog, telemetry } = options.settings;
  if (!eventLog) return [];
  const common = {
    Ver: VERSION,
    Replica: telemetry.instanceName,
    ContainerApp: eventLog.appName,
  };
  return receiversOf(eventLog, options).map((receiver) =>
    logTo(receiver, { eventLog, common, options }),
  );
}

interface Logging {
  readonly eventLog: EventLogSettings;
  readonly common: CommonFacts;
  readonly options: EventLogOptions;
}

/** Events are put into the original's words when they are sent, and not when they come. */
function logTo(receiver: Receiver, { eventLog, common, options }: Logging): OwnedSink {
  const { categories, capacity } = eventLog;
  const isLogged = (category: string | undefined): boolean =>
    category !== undefined && (categories.has("*") || categories.has(category));
  const buffer = new ExportBuffer<TelemetryEvent>({
    clock: options.clock,
    capacity,
    batch: Math.min(BATCH, capacity),
    delayMs: DELAY_MS,
    timeoutMs: TIMEOUT_MS,
    send: (events, signal) =>
      receiver.send(
        events.map((event) => toLogEvent(event, common)),
        signal,
      ),
    onLoss: (reason, count) => options.lost(receiver.name, reason, count),
  });
  return {
    hears: (event) => isLogged(categoryOf(event)),
    take: (event) => buffer.add(event),
    async close(withinMs) {
      await buffer.close(withinMs);
      await receiver.close();
    },
  };
}

function receiversOf(
  { isOnConsole, file, eventHub }: EventLogSettings,
  { print, lost, openHub = openEventHub }: EventLogOptions,
): readonly Receiver[] {
  return [
    ...(isOnConsole ? [consoleReceiver(print)] : []),
    ...(file ? [fileReceiver(new RotatingFile(file))] : []),
    ...(eventHub ? [hubReceiver(() => openHub(eventHub), lost)] : []),
  ];
}

const lineOf = (event: LogEvent): string => JSON.stringify(event);
const nothing = async (): Promise<void> => {};

const consoleReceiver = (print: EventLogOptions["print"]): Receiver => ({
  name: "event-console",
  send: async (events) => print(events.map((event) => `${lineOf(event)}\n`).join("")),
  close: nothing,
});

const fileReceiver = (file: RotatingFile): Receiver => ({
  name: "event-file",
  send: (events) => file.append(events.map(lineOf)),
  close: nothing,
});

function hubReceiver(open: () => Promise<EventProducer>, lost: EventLogOptions["lost"]): Receiver {
  const name = "event-hub";
  let opening: Promise<EventProducer> | undefined;
  return {
    name,
    async send(events, signal) {
      opening ??= open().catch((error: unknown) => {
        // The next batch tries again.
        opening = undefined;
        throw error;
      });
      const tooLarge = await sendToHub(await opening, events, signal);
      if (tooLarge > 0) lost(name, "too-large", tooLarge);
    },
    async close() {
      await opening?.then((producer) => producer.close()).catch(() => {});
    },
  };
}
