/** A word, number, text or sign of a policy expression. */
export interface Token {
  readonly kind: "name" | "integer" | "double" | "text" | "sign" | "end";
  readonly text: string;
}

const SPACE = /\s+/y;
const KINDS: readonly (readonly [Token["kind"], RegExp])[] = [
  ["double", /\d+\.\d+/y],
  ["integer", /\d+/y],
  ["name", /[A-Za-z_]\w*/y],
  ["text", /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'/y],
  ["sign", /=>|==|!=|<=|>=|&&|\|\||\?\?|[-+*/%!<>?:.,()[\]{}]/y],
];

/** Splits the C# of a policy expression; throws where something is none of its tokens. */
export function tokenizeExpression(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  while (at < source.length) {
    at += match(SPACE)?.length ?? 0;
    if (at >= source.length) break;
    const found = KINDS.flatMap(([kind, pattern]) => {
      const text = match(pattern);
      return text === undefined ? [] : [{ kind, text }];
    })[0];
    if (!found) throw new Error(`Not in the subset: ${source.slice(at, at + 20)}`);
    tokens.push(found);
    at += found.text.length;
  }
  return [...tokens, { kind: "end", text: "" }];
}
