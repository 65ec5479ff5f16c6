import * as z from "zod";

/** How settings are parsed: they are read once, before a parser of their own would be compiled. */
export const READ_ONCE = { jitless: true } as const;

/** Reads a product of whole numbers, as the original's settings allow (`60*10`). */
function toProduct(text: string): number {
  const factors = text.split("*").map((factor) => factor.trim());
  return factors.every((factor) => /^-?\d+$/.test(factor))
    ? factors.reduce((product, factor) => product * Number(factor), 1)
    : Number.NaN;
}

const text = z.string();

/** A whole number within bounds, written plainly or as a product. */
export function integer(minimum: number, maximum: number) {
  return text.transform((written, context) => {
    const value = toProduct(written);
    if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
    context.addIssue({
      code: "custom",
      message: `expected a whole number from ${minimum} to ${maximum}, got "${written}"`,
    });
    return z.NEVER;
  });
}

/** `true` in any case is true and `false` false; anything else is a mistake worth naming. */
export const flag = z.string().transform((text, context) => {
  const value = text.trim().toLowerCase();
  if (value === "true" || value === "false") return value === "true";
  context.addIssue({ code: "custom", message: `expected true or false, got "${text}"` });
  return z.NEVER;
});

/** A comma-separated list; blanks are dropped, and brackets and quotes of a JSON list are accepted. */
export const list = z.string().transform((text) =>
  text
    .replace(/^\s*\[|\]\s*$/g, "")
    .split(",")
    .map((item) => item.trim().replace(/^"|"$/g, ""))
    .filter((item) => item !== ""),
);

/** A comma-separated list of whole numbers within bounds. */
export function integerList(minimum: number, maximum: number) {
  return list.transform((items, context) => {
    const isRight = (item: string): boolean =>
      /^\d+$/.test(item) && Number(item) >= minimum && Number(item) <= maximum;
    const wrong = items.filter((item) => !isRight(item));
    if (wrong.length === 0) return items.map(Number);
    context.addIssue({
      code: "custom",
      message: `expected whole numbers from ${minimum} to ${maximum}, got "${wrong.join('", "')}"`,
    });
    return z.NEVER;
  });
}

// RFC 9110, section 5.6.2.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A header's name. */
export const headerName = z.string().regex(HEADER_NAME, { error: "expected the name of a header" });

/** A comma-separated list of headers' names. */
export const headerNames = list.transform((names, context) => {
  const wrong = names.filter((name) => !HEADER_NAME.test(name));
  if (wrong.length === 0) return names;
  const message = `expected names of headers, got "${wrong.join('", "')}"`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** A whole URL. */
export const wholeUrl = z.url({ error: "expected a URL" });

/** One of these words, in any case. */
export function choice<const Word extends string>(...words: readonly Word[]) {
  return z.string().transform((text, context) => {
    const found = words.find((word) => word.toLowerCase() === text.trim().toLowerCase());
    if (found !== undefined) return found;
    const expected = words.filter((word) => word !== "").join(", ");
    context.addIssue({ code: "custom", message: `expected one of ${expected}, got "${text}"` });
    return z.NEVER;
  });
}
