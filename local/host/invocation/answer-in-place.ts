import type { CoreInvocationContext, InvocationModel } from "../core/core-types.ts";

/**
 * Answers a streamed HTTP call in place of its function. The library forgets a response only by
 * sending it, so this is also what keeps failed calls from piling up in its memory.
 */
export async function answerInPlace(
  model: InvocationModel,
  { invocationId, metadata }: CoreInvocationContext,
  status: number,
): Promise<void> {
  const response = { status };
  const extraOutputs = {
    get: (name: string) => (metadata.bindings[name]?.type === "http" ? response : undefined),
  };
  await model.getResponse({ invocationId, extraOutputs }, response);
}
