import type { Clock } from "../../shared/core/clock.ts";
import { ApiError, badRequest } from "./api-error.ts";
import {
  finalStatus,
  type ModelResponse,
  type ResponseStatus,
  responseObject,
} from "./response-object.ts";

/** Responses kept; the oldest are forgotten. */
const MAX_RESPONSES = 10_000;

interface Stored {
  readonly response: ModelResponse;
  readonly isDoomed: boolean;
  cancelledAt?: number;
}

/**
 * Responses that can be asked for again. A background response needs no timer: its state follows
 * from its plan and the clock. Scope: one endpoint.
 */
export class ResponseStore {
  readonly #clock: Clock;
  readonly #stored = new Map<string, Stored>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `isDoomed`: it will end in `failed`. */
  put(response: ModelResponse, isDoomed: boolean): void {
    this.#stored.set(response.id, { response, isDoomed });
    if (this.#stored.size <= MAX_RESPONSES) return;
    for (const oldest of this.#stored.keys()) {
      this.#stored.delete(oldest);
      return;
    }
  }

  get(id: string): object {
    const stored = this.#find(id);
    return responseObject(stored.response, this.#statusOf(stored));
  }

  /** Cancelling again, or after the end, changes nothing. */
  cancel(id: string): object {
    const stored = this.#find(id);
    if (!stored.response.request.isBackground) {
      throw badRequest("Only responses created with background=true can be cancelled.");
    }
    const status = this.#statusOf(stored);
    if (status === "queued" || status === "in_progress") stored.cancelledAt = this.#clock.now();
    return responseObject(stored.response, this.#statusOf(stored));
  }

  delete(id: string): object {
    this.#find(id);
    this.#stored.delete(id);
    return { id, object: "response", deleted: true };
  }

  #find(id: string): Stored {
    const stored = this.#stored.get(id);
    if (stored) return stored;
    throw new ApiError(404, `Response with id '${id}' not found.`);
  }

  // It waits for as long as its first token takes, then writes; both come from its plan.
  #statusOf({ response, isDoomed, cancelledAt }: Stored): ResponseStatus {
    const { createdAt, plan, request } = response;
    if (!request.isBackground) return finalStatus(response);
    if (cancelledAt !== undefined) return "cancelled";
    const startsAt = createdAt + plan.ttftMs;
    const endsAt = startsAt + plan.outputTokens * plan.tokenGapMs;
    if (this.#clock.now() < startsAt) return "queued";
    if (this.#clock.now() < endsAt) return "in_progress";
    return isDoomed ? "failed" : finalStatus(response);
  }
}
