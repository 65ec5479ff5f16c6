import type * as z from "zod";

/** What a query or a body says, or what is wrong with it, in words for whoever sent it. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly detail: string };

/** All that is wrong, in one line: each fault behind the name of the parameter that it concerns. */
export function queryFault(error: z.ZodError, parameter?: string): Parsed<never> {
  const faults = error.issues.map(({ path, message }) => {
    const name = parameter ?? path.join(".");
    return name === "" ? message : `${name}: ${message}`;
  });
  return { ok: false, detail: faults.join("; ") };
}
