/** What is known of a document. */
export interface DocumentStatus {
  readonly name: string;
  /** The kind of its source. */
  readonly source: string;
  /** When the value in force was read; undefined while there is none from the source. */
  readonly loadedAt: number | undefined;
  /** How long ago the source last said that the value in force is what it has. */
  readonly ageMs: number | undefined;
  readonly version: string | undefined;
  /** Why the last load changed nothing; undefined when all is well. */
  readonly lastError: string | undefined;
  /** What is wrong with the document that the source has, when it was refused. */
  readonly problems: readonly string[];
  /** What is odd in the document in force. */
  readonly warnings: readonly string[];
  /** How many loads in a row have failed. */
  readonly failures: number;
  /** Whether the source may have something other than what is in force. */
  readonly isStale: boolean;
}

/** A value that came from the source, with what is known of it. */
export interface LoadedValue<Value> {
  readonly value: Value;
  readonly version: string;
  readonly loadedAt: number;
  readonly warnings: readonly string[];
}

/** Everything that a document remembers between loads. */
export interface DocumentState<Value> {
  readonly loaded: LoadedValue<Value> | undefined;
  /** The version last read, in force or refused. */
  readonly seenVersion: string | undefined;
  /** When the source last confirmed the value in force. */
  readonly confirmedAt: number | undefined;
  /** The problems of the version last read, when it was refused. */
  readonly problems: readonly string[];
  readonly failure: string | undefined;
  readonly failures: number;
}

/** A document of which nothing is known yet. */
export const UNKNOWN_DOCUMENT: DocumentState<never> = Object.freeze({
  loaded: undefined,
  seenVersion: undefined,
  confirmedAt: undefined,
  problems: [],
  failure: undefined,
  failures: 0,
});

/** The source has what was read last: that confirms the value in force unless it was refused. */
export function afterUnchanged<Value>(
  state: DocumentState<Value>,
  now: number,
): DocumentState<Value> {
  const confirmedAt = state.problems.length === 0 ? now : state.confirmedAt;
  return { ...state, confirmedAt, failure: undefined, failures: 0 };
}

/** A new version is in force. */
export function afterLoaded<Value>(loaded: LoadedValue<Value>): DocumentState<Value> {
  return {
    loaded,
    seenVersion: loaded.version,
    confirmedAt: loaded.loadedAt,
    problems: [],
    failure: undefined,
    failures: 0,
  };
}

/** A new version was refused; the value in force stays, no longer confirmed. */
export function afterRejected<Value>(
  state: DocumentState<Value>,
  version: string,
  problems: readonly string[],
): DocumentState<Value> {
  return { ...state, seenVersion: version, problems, failure: undefined, failures: 0 };
}

/** The source could not be read; the value in force stays. */
export function afterFailed<Value>(
  state: DocumentState<Value>,
  failure: string,
): DocumentState<Value> {
  return { ...state, failure, failures: state.failures + 1 };
}

/** Why the value in force may not be what the source has. */
export function lastErrorOf({ failure, problems }: DocumentState<unknown>): string | undefined {
  if (failure !== undefined) return failure;
  const [first] = problems;
  if (first === undefined) return undefined;
  return problems.length === 1 ? first : `${first} (and ${problems.length - 1} more problems)`;
}
