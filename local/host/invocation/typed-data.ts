import type { RpcTypedData } from "../core/core-types.ts";

/** The text of a value that came back from the app; undefined when there is none. */
export function textOf(data: RpcTypedData | null | undefined): string | undefined {
  if (!data) return undefined;
  if (data.string !== undefined) return data.string;
  if (data.json !== undefined) return data.json;
  if (data.int !== undefined) return String(data.int);
  if (data.double !== undefined) return String(data.double);
  if (data.bytes !== undefined) return Buffer.from(data.bytes).toString("utf8");
  return undefined;
}

/** The same as JSON text: what Durable stores as a result. */
export function jsonOf(data: RpcTypedData | null | undefined): string | undefined {
  if (!data) return undefined;
  if (data.string !== undefined) return JSON.stringify(data.string);
  if (data.bytes !== undefined) return JSON.stringify(Buffer.from(data.bytes).toString("base64"));
  return textOf(data);
}

/**
 * A value that the app is to have as it stands. The library parses what comes to it as JSON, for every call
 * anew, and hands on a number without a look at it: in one process nothing has to be text in between.
 */
export function asIs(value: object): RpcTypedData {
  return { int: value as unknown as number };
}
