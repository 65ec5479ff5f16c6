import { createHash } from "node:crypto";
import { GatewayError } from "../../core/errors.ts";
import {
  type DeadLetter,
  type OutgoingMessage,
  readRequestEnvelope,
} from "../../messaging/index.ts";
import { readWebhookDelivery } from "../../webhooks/index.ts";
import type { Services } from "../services.ts";
import type { LetterSource } from "./dead-letter-sources.ts";
import { recountable } from "./usage-letters.ts";

type Content = Pick<OutgoingMessage, "body" | "timeToLiveMs" | "applicationProperties">;

/** What a letter that is sent again no longer says. */
const OWN_PROPERTIES = new Set(["DeadLetterReason", "DeadLetterErrorDescription", "arrivedAt"]);

/**
 * Sends a dead letter to its queue again; throws where nothing would come of it. The copy's id is the
 * letter's: not the message's, or the queue would drop it as a duplicate, but always the same, so that
 * it does drop the copy of an operator who died before the letter was gone.
 */
export async function redriveLetter(
  services: Services,
  source: LetterSource,
  letter: DeadLetter,
): Promise<void> {
  const { waitingRoom, usage } = services;
  if (source.kind === "usage") return usage.queue?.send(recountable(letter));
  const content = await contentOf(services, source, letter);
  if (!waitingRoom || !("queue" in source)) throw refused("Its entity takes no message.");
  await waitingRoom.bus.send(source.queue, {
    messageId: `redriven-${digest(`${letter.sequenceNumber}\n${letter.messageId}`)}`,
    ...(letter.correlationId === undefined ? {} : { correlationId: letter.correlationId }),
    ...content,
  });
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const refused = (detail: string): GatewayError => new GatewayError("redrive-refused", detail);

async function contentOf(
  services: Services,
  { kind }: LetterSource,
  { body, properties }: DeadLetter,
): Promise<Content> {
  switch (kind) {
    case "lane":
      return laneContent(services, body);
    case "submission":
      return {
        body,
        timeToLiveMs: services.lanes.submissions.defaultMessageTimeToLive,
        ...withProperties(properties),
      };
    case "webhook":
      return webhookContent(services, body);
    case "usage":
    case "other":
      throw refused("A copy would reach others than the one who missed it.");
  }
}

function withProperties(
  properties: DeadLetter["properties"],
): Pick<Content, "applicationProperties"> {
  const kept = Object.entries(properties).filter(([name]) => !OWN_PROPERTIES.has(name));
  return { applicationProperties: Object.fromEntries(kept) };
}

/** A job that has ended is never run again, and a request's caller has had the answer. */
async function laneContent({ jobs, clock }: Services, body: unknown): Promise<Content> {
  const envelope = readable(() => readRequestEnvelope(body));
  const snapshot = await jobs?.store.read(envelope.id);
  if (!snapshot) throw refused("Nobody waits for it any more.");
  if (snapshot.outcome) throw refused(`Its job has ended: it is ${snapshot.outcome.state}.`);
  const timeToLiveMs = snapshot.job.expiresAt - clock.now();
  if (timeToLiveMs <= 0) throw refused("Its job's time to live is over.");
  return { body, timeToLiveMs };
}

/** A delivery begins anew: it is tried for as long again. */
function webhookContent({ clock }: Services, body: unknown): Content {
  const { failure: _, ...delivery } = readable(() => readWebhookDelivery(body));
  return { body: { ...delivery, attempt: 1, firstAt: clock.now() } };
}

function readable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch {
    throw refused("It cannot be read.");
  }
}
