import { APIConnectionTimeoutError, APIError } from "openai";

/** A request that was not answered as it should have been. */
export class ReplayFailure extends Error {
  override readonly name = "ReplayFailure";
  /** What failures are counted by: few and short. */
  readonly kind: string;

  constructor(kind: string, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** A failure as it is counted and told. */
export interface FailureFacts {
  readonly kind: string;
  readonly message: string;
}

const MAX_MESSAGE_CHARACTERS = 300;
const MAX_CAUSES = 5;

/** Says of anything thrown while a request was served what kind of failure it is. */
export function describeFailure(thrown: unknown): FailureFacts {
  const { kind, message } = classify(thrown);
  const line = message.replace(/\s+/g, " ").trim();
  const isLong = line.length > MAX_MESSAGE_CHARACTERS;
  return { kind, message: isLong ? `${line.slice(0, MAX_MESSAGE_CHARACTERS)}...` : line };
}

function classify(thrown: unknown): FailureFacts {
  if (thrown instanceof ReplayFailure) return { kind: thrown.kind, message: thrown.message };
  if (thrown instanceof APIConnectionTimeoutError) {
    return { kind: "timeout", message: thrown.message };
  }
  const code = connectionCode(thrown);
  if (code) return { kind: `connection ${code}`, message: deepestMessage(thrown) };
  if (thrown instanceof APIError) return apiFailure(thrown);
  const name = thrown instanceof Error ? thrown.name : "error";
  return { kind: name, message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** An answer with an error status, or an error in the middle of a stream. */
function apiFailure(error: InstanceType<typeof APIError>): FailureFacts {
  const { code, type, error: body } = error;
  const where = error.status === undefined ? "stream error" : String(error.status);
  const detail = Object(body).detail ?? Object(body).message;
  return {
    kind: [where, code ?? type].filter(Boolean).join(" "),
    message: typeof detail === "string" ? detail : error.message,
  };
}

/** The system's code (`ECONNREFUSED`) below whatever wraps it. */
function connectionCode(thrown: unknown): string | undefined {
  return causes(thrown)
    .filter((error) => !(error instanceof APIError))
    .map((error) => String(Object(error).code ?? ""))
    .find((code) => /^(E[A-Z_]+|ERR_\w+|[A-Z_]*CERT[A-Z_]*|HPE_\w+)$/.test(code));
}

function deepestMessage(thrown: unknown): string {
  const deepest = causes(thrown).findLast((error) => error instanceof Error && error.message);
  return deepest instanceof Error ? deepest.message : String(thrown);
}

function causes(thrown: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let error = thrown; error && chain.length < MAX_CAUSES; error = Object(error).cause) {
    chain.push(error);
  }
  return chain;
}
