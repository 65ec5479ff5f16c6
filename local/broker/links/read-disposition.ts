import type { PropertyEntries } from "../amqp/application-properties.ts";
import { argumentError, notEmulated } from "../amqp/errors.ts";
import { OUTCOME } from "../amqp/outcome.ts";
import type { Typed } from "../amqp/rhea.ts";
import { descriptorOf, entriesOf, valuesOf } from "../amqp/typed.ts";
import type { DeadLetterReason } from "../entity/dead-letter.ts";
import type { Disposition } from "../entity/disposition.ts";

const REASON = "DeadLetterReason";
const DESCRIPTION = "DeadLetterErrorDescription";

/** What a client's delivery state says about a message. */
export function readDisposition(state: Typed | undefined): Disposition {
  switch (descriptorOf(state)) {
    case OUTCOME.accepted:
      return { kind: "complete" };
    case OUTCOME.released:
      return { kind: "release" };
    case OUTCOME.modified:
      return readModified(state);
    case OUTCOME.rejected:
      return { kind: "deadLetter", why: reasonOf(state) };
    case OUTCOME.transactional:
      throw notEmulated("transactions");
    default:
      throw argumentError(
        "The delivery state says neither complete, abandon, defer nor dead-letter.",
      );
  }
}

/** `undeliverable-here` tells a deferral from an abandon; the annotations are properties to set. */
function readModified(state: Typed | undefined): Disposition {
  const [, undeliverableHere, annotations] = valuesOf(state);
  const kind = undeliverableHere?.value === true ? "defer" : "abandon";
  return { kind, properties: entriesOf(annotations) };
}

/** A client that gives no reason sends no error at all. */
function reasonOf(state: Typed | undefined): DeadLetterReason {
  const [error] = valuesOf(state);
  const info = entriesOf(valuesOf(error)[2]);
  const properties: PropertyEntries = info.filter(([key]) => key !== REASON && key !== DESCRIPTION);
  return { reason: textIn(info, REASON), description: textIn(info, DESCRIPTION), properties };
}

function textIn(entries: PropertyEntries, key: string): string | undefined {
  const value = entries.find(([name]) => name === key)?.[1].value;
  return typeof value === "string" ? value : undefined;
}
