import { parseDeadLetterQuery } from "../../api/index.ts";
import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import { DeadLetters } from "../../messaging/index.ts";
import { requireOperator } from "../operators/require-operator.ts";
import type { Services } from "../services.ts";
import { deadLetterSource, deadLetterSources, type LetterSource } from "./dead-letter-sources.ts";
import { type DeadLetterView, deadLetterView } from "./dead-letter-view.ts";
import { type Letters, UsageLetters } from "./usage-letters.ts";

/** What is asked of the dead letters. */
export interface DeadLettersQuery {
  readonly headers: HeaderList;
  readonly target: string;
}

/** Where a page begins: an entity, and a number in it. */
interface Place {
  readonly queue: string;
  readonly from: string;
}

/** A page of dead letters, entity by entity, oldest first; for operators. Looking changes nothing. */
export async function listDeadLetters(
  services: Services,
  { headers, target }: DeadLettersQuery,
): Promise<GatewayResponse> {
  await requireOperator(services, headers);
  const query = parseDeadLetterQuery(new URL(target, "http://gateway").searchParams);
  if (!query.ok) throw new GatewayError("bad-request", query.detail);
  const { queue, limit, body, continuation } = query.value;
  const place = continuation === undefined ? undefined : placeIn(continuation);
  const all = queue ? [deadLetterSource(services.lanes, queue)] : allSources(services);
  const first = place ? all.findIndex(({ name }) => name === place.queue) : 0;
  if (first < 0) throw new GatewayError("bad-request", "The continuation cannot be read.");
  const page: DeadLetterView[] = [];
  for (const [index, source] of all.slice(first).entries()) {
    let from = BigInt(index === 0 && place ? place.from : 0);
    while (page.length < limit) {
      const found = await deadLettersOf(services, source).peek(source, {
        from,
        atMost: limit - page.length,
      });
      const last = found.at(-1);
      if (!last) break;
      page.push(...found.map((letter) => deadLetterView(source, letter, body)));
      from = BigInt(last.sequenceNumber) + 1n;
    }
    if (page.length >= limit) return answer(page, { queue: source.name, from: String(from) });
  }
  return answer(page, undefined);
}

const allSources = ({ lanes, usage }: Services): readonly LetterSource[] =>
  deadLetterSources(lanes).filter(({ kind }) => kind !== "usage" || usage.poison);

/** The dead letters of an entity, where there are queues. */
export function deadLettersOf({ waitingRoom, usage }: Services, { kind }: LetterSource): Letters {
  // An app that only sends what was used may not read what became of it either.
  if (!waitingRoom) throw new GatewayError("async-unavailable", "This app has no queues.");
  return kind === "usage" ? usageLettersOf(usage) : new DeadLetters(waitingRoom.bus);
}

function usageLettersOf({ poison }: Services["usage"]): Letters {
  if (poison) return new UsageLetters(poison);
  throw new GatewayError("async-unavailable", "This app has no storage.");
}

/** All letters of an entity, up to a bound. */
export async function* lettersOf(letters: Letters, source: LetterSource, atMost: number) {
  let from = 0n;
  for (let count = 0; count < atMost; ) {
    const found = await letters.peek(source, { from, atMost: 100 });
    const last = found.at(-1);
    if (!last) return;
    yield* found;
    count += found.length;
    from = BigInt(last.sequenceNumber) + 1n;
  }
}

function answer(deadLetters: readonly DeadLetterView[], next: Place | undefined): GatewayResponse {
  const continuation = next && Buffer.from(`${next.queue}/${next.from}`).toString("base64url");
  return jsonResponse(200, { deadLetters, continuation });
}

function placeIn(continuation: string): Place {
  const text = Buffer.from(continuation, "base64url").toString();
  const [, queue, from] = /^([^/]+)\/(\d{1,19})$/.exec(text) ?? [];
  if (queue !== undefined && from !== undefined) return { queue, from };
  throw new GatewayError("bad-request", "The continuation cannot be read.");
}
