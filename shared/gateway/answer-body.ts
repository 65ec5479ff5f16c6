import type { BackendAnswer } from "../backends/index.ts";
import type { ResponseBody } from "../core/http.ts";

const STATUSES_WITHOUT_BODY = new Set([204, 205, 304]);

export interface AnswerBodyOptions {
  readonly method: string;
  /** Ends the body when it aborts: the reader is gone. */
  readonly closed: AbortSignal;
  /** Called once, when the body is over, however that came about. */
  onEnd(error?: unknown): void;
}

/**
 * A backend's body on its way to a reader. Bytes pass as they come: not copied, not held. Whatever
 * happens, `onEnd` runs once, even if nobody ever begins to read.
 */
export function answerBody(answer: BackendAnswer, options: AnswerBodyOptions): ResponseBody {
  const { method, closed, onEnd } = options;
  let isOver = false;
  const end = (error?: unknown): void => {
    if (isOver) return;
    isOver = true;
    closed.removeEventListener("abort", giveUp);
    onEnd(error);
  };
  const giveUp = (): void => {
    answer.discard();
    end();
  };
  if (closed.aborted || method === "HEAD" || STATUSES_WITHOUT_BODY.has(answer.status)) {
    giveUp();
    return undefined;
  }
  closed.addEventListener("abort", giveUp, { once: true });
  return endedEarly(readThrough(answer, end), giveUp);
}

/**
 * Calls `onReturn` when a body is returned: a generator that is returned before it began runs none of
 * its code, its `finally` neither.
 */
export function endedEarly(
  body: AsyncGenerator<Uint8Array, void, undefined>,
  onReturn: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const finish = body.return.bind(body);
  body.return = () => {
    onReturn();
    return finish();
  };
  return body;
}

async function* readThrough(
  answer: BackendAnswer,
  end: (error?: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let error: unknown;
  try {
    yield* answer.body;
  } catch (thrown) {
    error = thrown;
    throw thrown;
  } finally {
    end(error);
  }
}
