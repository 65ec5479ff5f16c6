import { ApiError, throttled } from "./api-error.ts";
import type { Fault } from "./fault-script.ts";

const DEFAULT_STATUS = 500;

/** The error that a fault answers with instead of a model's answer, if it is of that kind. */
export function refusalOf(fault: Fault | undefined): ApiError | undefined {
  switch (fault?.name) {
    case "status":
      return new ApiError(
        fault.value ?? DEFAULT_STATUS,
        "The simulated endpoint fails as it was told to.",
      );
    case "throttle":
      return throttled(
        "The simulated endpoint is over its limit, as it was told to be.",
        fault.value,
      );
    case "requeue":
      return throttled("All deployments behind this endpoint are over their limits.", fault.value, {
        S7PREQUEUE: "true",
      });
    case "content-filter":
      return contentFiltered();
    case "context-length":
      return new ApiError(400, "This model's maximum context length is 128000 tokens.", {
        code: "context_length_exceeded",
        param: "messages",
      });
    default:
      return undefined;
  }
}

// Azure OpenAI's shape; the filter that fired is in `innererror`.
function contentFiltered(): ApiError {
  return new ApiError(
    400,
    "The response was filtered due to the prompt triggering the content policy.",
    {
      code: "content_filter",
      param: "prompt",
      innerError: {
        code: "ResponsibleAIPolicyViolation",
        content_filter_result: { violence: { filtered: true, severity: "high" } },
      },
    },
  );
}
