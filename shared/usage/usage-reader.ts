import { contentCodings } from "../core/content-codings.ts";
import type { EventBytes } from "../core/event-bytes.ts";
import { USAGE_SIGNAL } from "../core/event-signals.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import type { SseEvent } from "../core/sse-event.ts";
import { SseParser } from "../core/sse-parser.ts";
import { AMAZON_EVENTS, AmazonEvents } from "./amazon-events.ts";
import { AnswerText } from "./answer-text.ts";
import type { AnswerUsage, UncountedText } from "./answer-usage.ts";
import { type BedrockEvent, bedrockEvent, usageInHead } from "./bedrock.ts";
import { DecodedCopy } from "./decoded-copy.ts";
import { failureSaid, finishReasonsSaid, NO_REASONS } from "./finish-reasons.ts";
import { isEventStream } from "./is-event-stream.ts";
import { JsonDocument } from "./json-document.ts";
import { serviceTierInHead, tierOfDeployment } from "./service-tier.ts";
import { mergeUsage, type RawUsage, toTokenUsage } from "./token-usage.ts";
import { reportIn, type UsageReport } from "./usage-report.ts";

const MAX_TEXT_BYTES = 256 * 1024;
// The first events name the model; a stream that has not done so by then never will.
const EVENTS_WITH_MODEL = 3;

interface Taker {
  push(bytes: Uint8Array): void;
}

/**
 * Reads what an answer says it used, from a look at bytes that pass by: nothing is changed or delayed.
 * The last usage counts; `usage: null` and text that speaks of usage do not. On the path of every
 * event: of a stream only those are read that report something. Scope: one answer.
 */
export class UsageReader {
  readonly #taker: Taker | undefined;
  readonly #decoded: ReturnType<typeof DecodedCopy.of>;
  readonly #events: SseParser | undefined;
  readonly #document: JsonDocument | undefined;
  readonly #headers: HeaderList;
  readonly #isStream: boolean;
  readonly #isBinary: boolean;
  readonly #isToldInHead: boolean;
  readonly #text = new AnswerText(MAX_TEXT_BYTES);
  #seenEvents = 0;
  #usage: RawUsage | undefined;
  #isFinal = false;
  #isBeginning = false;
  #model: string | undefined;
  #responseId: string | undefined;
  #backgroundSince: number | undefined;
  #serviceTier: string | undefined;
  #finishReasons = NO_REASONS;

  constructor(headers: HeaderList) {
    this.#headers = headers;
    const type = headerValue(headers, "content-type")?.toLowerCase() ?? "";
    this.#usage = usageInHead(headers);
    this.#isToldInHead = this.#usage !== undefined;
    this.#isStream = isEventStream(type);
    this.#isBinary = type.includes(AMAZON_EVENTS);
    let taker: Taker | undefined;
    if (this.#isBinary) {
      taker = new AmazonEvents((event) => this.#seeBedrock(bedrockEvent(event)));
    } else if (this.#isStream) {
      taker = this.#events = new SseParser({
        onEvent: (event) => this.#see(event),
        telling: () => this.#telling(),
        onBytes: (bytes) => this.#text.take(bytes),
      });
    } else if (/\bjson\b/.test(type)) {
      taker = this.#document = new JsonDocument((report) => this.#take(report));
    }
    this.#taker = taker;
    const codings = contentCodings(headers);
    if (codings.length === 0) return;
    // What cannot be decoded is not looked at: compressed bytes say nothing.
    this.#taker = this.#decoded = DecodedCopy.of(codings, (bytes) => taker?.push(bytes));
  }

  /** `events`: those of a stream that is cut already. */
  read(chunk: Uint8Array, events?: readonly EventBytes[]): void {
    if (events && this.#events) this.#events.take(events);
    else this.#taker?.push(chunk);
  }

  /** The cost, once the answer is over: `isWhole` is false for one that broke off or that its reader left. */
  async end(isWhole: boolean): Promise<AnswerUsage> {
    const isRead = this.#decoded ? await this.#decoded.end() : true;
    const isComplete = isWhole && isRead;
    if (isComplete) this.#events?.end();
    this.#document?.end();
    const tokens = this.#usage && toTokenUsage(this.#usage);
    // Of a stream something may be the last word; of a document only its end says that it was.
    const isLastWord = isComplete || this.#isToldInHead || (this.#isFinal && this.#isStream);
    // An error told within a message ends it as if it were whole.
    const isReported = tokens !== undefined && isLastWord && !this.#isBeginning;
    const finishReasons = this.#ended();
    if (isReported) this.#text.forget();
    const isCut = !isComplete || this.#isBeginning;
    const isPartial = isCut && (tokens !== undefined || this.#uncounted() !== undefined);
    return {
      provenance: isReported ? "reported" : isPartial ? "partial" : "unknown",
      tokens,
      model: this.#model,
      responseId: this.#responseId,
      finishReasons: finishReasons.length === 0 ? undefined : finishReasons,
      serviceTier: tierOfDeployment(this.#serviceTier ?? this.#tierInHead(), this.#headers),
      backgroundSince: this.#backgroundSince,
      uncounted: isReported ? undefined : this.#uncounted(),
    };
  }

  /** Why its parts ended: what is read of a stream may have told it of some, and its last events of more. */
  #ended(): readonly string[] {
    if (this.#document) return this.#finishReasons;
    const { ending } = this.#text;
    const said = finishReasonsSaid(ending);
    const most = said.length > this.#finishReasons.length ? said : this.#finishReasons;
    return most.length > 0 ? most : failureSaid(ending);
  }

  /** Only of those who say it there: most answers name no tier, and their heads are not searched for one. */
  #tierInHead(): string | undefined {
    const isFromGoogle = this.#usage?.["promptTokenCount"] !== undefined;
    const isFromAmazon = this.#isToldInHead || this.#isBinary;
    return isFromGoogle || isFromAmazon ? serviceTierInHead(this.#headers) : undefined;
  }

  #uncounted(): UncountedText | undefined {
    const { text, scale } = this.#text;
    if (text !== "") return { text, scale };
    const document = this.#document?.text;
    return document === undefined ? undefined : { text: document, scale: 1 };
  }

  #telling(): RegExp | undefined {
    const isEarly = this.#model === undefined && this.#seenEvents < EVENTS_WITH_MODEL;
    return isEarly ? undefined : USAGE_SIGNAL;
  }

  #see(event: SseEvent): void {
    this.#seenEvents += 1;
    if (!event.isTruncated) this.#take(reportIn(event.json));
  }

  #seeBedrock({ text, json }: BedrockEvent): void {
    // In the form of an event of text, whatever is said in it.
    this.#text.take(`data: ${text}\n\n`);
    if (json !== undefined) this.#take(reportIn(json));
  }

  #take(report: UsageReport): void {
    const { usage, finishReasons } = report;
    this.#model ??= report.model;
    this.#responseId ??= report.responseId;
    this.#backgroundSince ??= report.backgroundSince;
    // What was asked for may be told before what was given.
    if (report.serviceTier !== undefined) this.#serviceTier = report.serviceTier;
    if (finishReasons.length > 0) this.#finishReasons = finishReasons;
    if (!usage) return;
    this.#usage = mergeUsage(this.#usage, usage);
    this.#isFinal = report.isFinal;
    this.#isBeginning = report.isBeginning;
  }
}
