import type { AdditionalPolicy } from "./additional-policy.ts";

/**
 * Gives up a call of which nothing has come back in time: the library has no limit of its own, and a
 * service that takes connections and is silent would hold every caller for as long as the caller waits.
 */
export const callTimeout = (timeoutMs: number): AdditionalPolicy => ({
  position: "perRetry",
  policy: {
    name: "callTimeout",
    sendRequest: (request, next) => {
      request.timeout = timeoutMs;
      return next(request);
    },
  },
});
