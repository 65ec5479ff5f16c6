import type { AdditionalPolicy } from "./additional-policy.ts";
import { withinLimit } from "./call-limit.ts";

/**
 * Gives up a try of a call that is not over in time: the library's own limit ends with the answer's head, and
 * it has none unless it is told.
 */
export const callTimeout = (timeoutMs: number): AdditionalPolicy => ({
  position: "perRetry",
  policy: {
    name: "callTimeout",
    sendRequest: (request, next) => {
      const { abortSignal: given } = request;
      return withinLimit(timeoutMs, ({ signal }) => {
        request.abortSignal = given ? AbortSignal.any([given as AbortSignal, signal]) : signal;
        return next(request);
      }).finally(() => {
        if (given) request.abortSignal = given;
        else delete request.abortSignal;
      });
    },
  },
});
