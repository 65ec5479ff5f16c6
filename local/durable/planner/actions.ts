/** Numbers of the action types in an orchestrator's state, as `durable-functions` writes them. */
export const ActionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  CallSubOrchestrator: 2,
  CallSubOrchestratorWithRetry: 3,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  CallEntity: 7,
  CallHttp: 8,
  SignalEntity: 9,
  WhenAny: 11,
  WhenAll: 12,
  LockEntities: 13,
  ReleaseEntities: 14,
} as const;

/** Retry options as they arrive; `retryTimeoutInMilliseconds` is not among them on purpose. */
export interface RetryOptions {
  firstRetryIntervalInMilliseconds: number;
  /** Null is how JSON writes Infinity. */
  maxNumberOfAttempts: number | null;
  backoffCoefficient?: number;
  maxRetryIntervalInMilliseconds?: number;
}

/** The request of a `callHttp` action. */
export interface HttpCallRequest {
  method: string;
  uri: string;
  content?: string;
  headers?: Record<string, string>;
  tokenSource?: unknown;
  asynchronousPatternEnabled?: boolean;
}

/** A node of the action tree; which fields are present follows from `actionType`. */
export interface Action {
  actionType: number;
  functionName?: string;
  input?: unknown;
  instanceId?: string;
  version?: string;
  retryOptions?: RetryOptions;
  fireAt?: string;
  isCanceled?: boolean;
  externalEventName?: string;
  operation?: string;
  httpRequest?: HttpCallRequest;
  compoundActions?: Action[];
}

const NAME_OF = new Map<number, string>(
  Object.entries(ActionType).map(([name, value]) => [value, name]),
);

/** The action's type and target in words, stable across replays: `CallActivity hello`. */
export function describeAction(action: Action): string {
  const type = NAME_OF.get(action.actionType) ?? `action ${action.actionType}`;
  const target =
    action.functionName ??
    action.externalEventName ??
    (action.operation === undefined ? undefined : `${action.instanceId} ${action.operation}`);
  const children = action.compoundActions?.map(describeAction).join(", ");
  return [type, target, children && `(${children})`].filter(Boolean).join(" ");
}

/** The action at a path such as `0.1.3`, or undefined when the tree has no such place. */
export function actionAt(actions: readonly Action[], path: string): Action | undefined {
  let level: readonly Action[] | undefined = actions;
  let action: Action | undefined;
  for (const index of path.split(".")) {
    action = level?.[Number(index)];
    level = action?.compoundActions;
  }
  return action;
}

/** JSON text of an input that the SDK encodes itself when it is a string, and only then. */
export function encodedInput(input: unknown): string | undefined {
  return typeof input === "string" ? input : rawInput(input);
}

/** JSON text of an input that the SDK passes on as it is. */
export function rawInput(input: unknown): string | undefined {
  return input === undefined ? undefined : JSON.stringify(input);
}
