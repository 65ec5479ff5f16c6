/**
 * The shapes that cross the seam between the host and the `@azure/functions` library, named as the
 * library's own `@azure/functions-core` types name them. The library ships no declarations for them.
 */
export type RpcLogLevel =
  | "trace"
  | "debug"
  | "information"
  | "warning"
  | "error"
  | "critical"
  | "none";

/** Who wrote a log line: the app, the platform, or a metric in disguise. */
export type RpcLogCategory = "user" | "system" | "customMetric";

/** One value on the wire between host and worker; exactly one property is set, or none. */
export interface RpcTypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  stream?: Uint8Array;
  int?: number;
  double?: number;
  http?: RpcHttpData;
  collectionString?: { string: string[] };
  collectionBytes?: { bytes: Uint8Array[] };
  collectionSint64?: { sint64: number[] };
}

/** A string that may be absent, in the form that protocol buffers need. */
export interface RpcNullableString {
  value: string;
}

/** A cookie of a buffered HTTP response. */
export interface RpcHttpCookie {
  name: string;
  value: string;
  domain?: { value?: string };
  path?: { value?: string };
  expires?: { value?: { seconds: number; nanos?: number } | Date | string | number };
  secure?: { value?: boolean };
  httpOnly?: { value?: boolean };
  sameSite?: "none" | "lax" | "strict" | "explicitNone" | number;
  maxAge?: { value?: number };
}

/** A buffered HTTP request on its way in, or response on its way out. */
export interface RpcHttpData {
  method?: string;
  url?: string;
  nullableHeaders?: Record<string, RpcNullableString>;
  nullableParams?: Record<string, RpcNullableString>;
  nullableQuery?: Record<string, RpcNullableString>;
  body?: RpcTypedData;
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: RpcHttpCookie[];
  enableContentNegotiation?: boolean;
}

/** A binding of a function; beyond these names it carries its trigger's own options. */
export interface RpcBindingInfo {
  type: string;
  name?: string;
  direction?: "in" | "out" | "inout";
  dataType?: string | number;
  properties?: Record<string, string>;
  [option: string]: unknown;
}

/** Whole seconds, as the library rounds retry durations. */
export interface RpcDuration {
  seconds?: number;
}

/** How a failed invocation is retried, where the trigger supports it. */
export interface RpcRetryOptions {
  retryStrategy?: string;
  maxRetryCount?: number;
  delayInterval?: RpcDuration | null;
  minimumInterval?: RpcDuration | null;
  maximumInterval?: RpcDuration | null;
}

/** What the library registers for one function. */
export interface FunctionMetadata {
  name: string;
  functionId?: string;
  bindings: Record<string, RpcBindingInfo>;
  retryOptions?: RpcRetryOptions | null;
}

/** The app's own function. */
export type FunctionCallback = (...args: unknown[]) => unknown;

/** Retries so far, for the handler to see. */
export interface RpcRetryContext {
  retryCount: number;
  maxRetryCount: number;
  exception?: { message?: string; stackTrace?: string; source?: string };
}

/** What the host asks the app to run. */
export interface RpcInvocationRequest {
  invocationId: string;
  functionId: string;
  inputData: { name: string; data: RpcTypedData }[];
  triggerMetadata?: Record<string, RpcTypedData>;
  traceContext?: { traceParent?: string; traceState?: string; attributes?: Record<string, string> };
  retryContext?: RpcRetryContext;
}

/** What an invocation gives back. */
export interface RpcInvocationResponse {
  invocationId: string;
  outputData?: { name: string; data: RpcTypedData }[];
  returnValue?: RpcTypedData | null;
}

/** Which part of an invocation runs now. */
export type InvocationState = "preInvocationHooks" | "invocation" | "postInvocationHooks";

/** The context that the host shares with the library for one invocation. */
export interface CoreInvocationContext {
  invocationId: string;
  request: RpcInvocationRequest;
  metadata: FunctionMetadata;
  state: InvocationState | undefined;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
}

/** The library's view of one invocation. */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>;
}

/** What the library hands to the host when the app registers its first function. */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities(
    defaults: Record<string, string>,
  ): Record<string, string> | Promise<Record<string, string>>;
}
