/** Misuse of the core API. The flag tells the library that the platform, not the app, speaks. */
export class CoreError extends Error {
  readonly isAzureFunctionsSystemError = true;
}

/** A name that the core API does not know; the library looks for a `RangeError` with the flag. */
export class CoreRangeError extends RangeError {
  readonly isAzureFunctionsSystemError = true;
}
