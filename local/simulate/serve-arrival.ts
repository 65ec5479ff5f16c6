import type { Settings } from "../../shared/config/index.ts";
import type { HeaderList } from "../../shared/core/headers.ts";
import { headerValue } from "../../shared/core/headers.ts";
import type { GatewayRequest, GatewayResponse } from "../../shared/core/http.ts";
import { handleRequest, type Services } from "../../shared/gateway/index.ts";
import { StartError } from "../service.ts";
import type { SimulatedRequest } from "./plan-arrivals.ts";

/** How a request ended: each ends in exactly one of these ways. */
const ENDINGS = ["answered", "expired", "refused", "failed"] as const;
export type Ending = (typeof ENDINGS)[number];

export interface Outcome {
  readonly ending: Ending;
  /** The gateway's code where it gave one, else the status. */
  readonly code: string;
  /** From the arrival to the first call's begin and between calls: all that was not a backend's time. */
  readonly waitMs: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
}

export const requestId = ({ number }: SimulatedRequest): string => `r-${number}`;

const CHARACTERS_PER_TOKEN = 4;
const PROMPT = "<prompt>";
const NEVER_CLOSED = new AbortController().signal;

/** Sends one request through the gateway and reads its answer to the end. */
export async function serveArrival(
  services: Services,
  request: SimulatedRequest,
  target: string,
): Promise<Outcome> {
  const { clock } = services;
  const receivedAt = clock.now();
  const sent = { ...toGatewayRequest(services, request), target };
  const response = await handleRequest(services, sent, undefined);
  const firstByteMs = clock.now() - receivedAt;
  const { isBroken, text } = await readBody(response);
  const totalMs = clock.now() - receivedAt;
  const stated = Number(headerValue(response.headers, "x-request-queue-duration"));
  const waitMs = Number.isFinite(stated) ? stated : firstByteMs;
  return { ...judge(response.status, text, isBroken), waitMs, firstByteMs, totalMs };
}

/** The request as a client would send it. */
function toGatewayRequest(
  { settings, clock }: Services,
  request: SimulatedRequest,
): Omit<GatewayRequest, "target"> {
  return {
    id: requestId(request),
    method: "POST",
    headers: headersOf(settings, request),
    body: once(bodyOf(request)),
    receivedAt: clock.now(),
    closed: NEVER_CLOSED,
  };
}

/** A prompt of the right length, which is all that the gateway looks at. */
function bodyOf({ contextTokens, generatedTokens, isStream }: SimulatedRequest): Uint8Array {
  const [before, after] = JSON.stringify({
    model: "simulated",
    max_tokens: generatedTokens,
    stream: isStream,
    messages: [{ role: "user", content: PROMPT }],
  }).split(PROMPT);
  return Buffer.concat([
    Buffer.from(before ?? ""),
    Buffer.alloc(contextTokens * CHARACTERS_PER_TOKEN, "."),
    Buffer.from(after ?? ""),
  ]);
}

function headersOf(settings: Settings, { userId, priorityClass }: SimulatedRequest): HeaderList {
  const key = priorityKey(settings, priorityClass);
  const [userHeader] = settings.userHeaders;
  const { useProfiles, profileHeader } = settings.policy;
  return [
    ["content-type", "application/json"],
    ...(key === undefined ? [] : [[settings.priority.header, key] as const]),
    ...(userHeader === undefined ? [] : [[userHeader, userId] as const]),
    ...(useProfiles ? [[profileHeader, userId] as const] : []),
  ];
}

/** The key that stands for a class; the default class needs none. */
function priorityKey({ priority }: Settings, wanted: number): string | undefined {
  if (wanted === priority.defaultClass) return undefined;
  for (const [key, priorityClass] of priority.classByKey) {
    if (priorityClass === wanted) return key;
  }
  throw new StartError(
    `The settings have no priority key for class ${wanted}: see PriorityKeys, PriorityValues and --classes.`,
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

async function readBody({ body }: GatewayResponse): Promise<{ isBroken: boolean; text: string }> {
  if (body === undefined) return { isBroken: false, text: "" };
  if (body instanceof Uint8Array) return { isBroken: false, text: Buffer.from(body).toString() };
  try {
    for await (const _ of body);
    return { isBroken: false, text: "" };
  } catch {
    return { isBroken: true, text: "" };
  }
}

function judge(status: number, text: string, isBroken: boolean): Pick<Outcome, "ending" | "code"> {
  if (isBroken) return { ending: "failed", code: "broken" };
  if (status <= 299) return { ending: "answered", code: String(status) };
  const code = /"code":"([a-z-]+)"/.exec(text)?.[1] ?? `status ${status}`;
  if (code === "ttl-expired") return { ending: "expired", code };
  const isRefusal = status < 500 && code !== "backend-timeout";
  return { ending: isRefusal ? "refused" : "failed", code };
}
