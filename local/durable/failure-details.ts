/** What an orchestrator learns of a failure beyond its message, as the SDK reads it. */
export interface FailureDetails {
  ErrorType: string;
  ErrorMessage: string;
  StackTrace?: string;
  IsNonRetriable?: boolean;
  Properties?: Record<string, unknown>;
}

interface SerializedError {
  errorType: string;
  errorMessage: string;
  stackTrace?: string;
  isNonRetriable?: boolean;
  properties?: Record<string, unknown>;
}

/**
 * The details that the SDK has put into an activity's error message: it does so when the app has set
 * an exception properties provider and that knew the error. All other messages are for people.
 */
export function failureDetailsOf(message: string): FailureDetails | undefined {
  if (!message.startsWith('{"errorType":')) return undefined;
  try {
    const error = JSON.parse(message) as SerializedError;
    return {
      ErrorType: error.errorType,
      ErrorMessage: error.errorMessage,
      ...(error.stackTrace === undefined ? {} : { StackTrace: error.stackTrace }),
      IsNonRetriable: error.isNonRetriable ?? false,
      ...(error.properties === undefined ? {} : { Properties: error.properties }),
    };
  } catch {
    return undefined;
  }
}
