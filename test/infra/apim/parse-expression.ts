import { type Token, tokenizeExpression } from "./tokenize-expression.ts";

/** The C# of policy expressions, as far as the policies use it. */
export type Expression =
  | { readonly kind: "literal"; readonly value: unknown }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly target: Expression; readonly name: string }
  | { readonly kind: "index"; readonly target: Expression; readonly key: Expression }
  | {
      readonly kind: "call";
      readonly callee: Expression;
      readonly typeArgument: string | undefined;
      readonly args: readonly Expression[];
    }
  | { readonly kind: "new"; readonly type: string; readonly args: readonly Expression[] }
  | { readonly kind: "array"; readonly items: readonly Expression[] }
  | { readonly kind: "cast"; readonly type: string; readonly value: Expression }
  | { readonly kind: "lambda"; readonly parameter: string; readonly body: Expression }
  | { readonly kind: "unary"; readonly sign: string; readonly value: Expression }
  | {
      readonly kind: "binary";
      readonly sign: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "choice";
      readonly condition: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
    };

const TYPES = new Set([
  "int",
  "long",
  "double",
  "bool",
  "string",
  "JArray",
  "JObject",
  "Jwt",
  "IResponse",
]);

const PRECEDENCE: Readonly<Record<string, number>> = {
  "??": 1,
  "||": 2,
  "&&": 3,
  "==": 4,
  "!=": 4,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
};

/** Parses the inside of `@(...)`; throws on whatever lies outside of the subset. */
export function parseExpression(source: string): Expression {
  const known = PARSED.get(source) ?? parse(source);
  PARSED.set(source, known);
  return known;
}

const PARSED = new Map<string, Expression>();

function parse(source: string): Expression {
  const parser = new Parser(tokenizeExpression(source));
  const expression = parser.expression();
  parser.expect("");
  return expression;
}

/** Scope: one expression. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  expression(): Expression {
    if (this.#peek().kind === "name" && this.#peek(1).text === "=>") {
      const parameter = this.#next().text;
      this.expect("=>");
      return { kind: "lambda", parameter, body: this.expression() };
    }
    const condition = this.#binary(1);
    if (!this.#take("?")) return condition;
    const then = this.expression();
    this.expect(":");
    return { kind: "choice", condition, then, otherwise: this.expression() };
  }

  expect(text: string): void {
    const found = this.#next();
    if (found.text !== text) throw new Error(`Expected "${text}", found "${found.text}".`);
  }

  #binary(least: number): Expression {
    let left = this.#unary();
    for (;;) {
      const sign = this.#peek().kind === "sign" ? this.#peek().text : "";
      const precedence = PRECEDENCE[sign] ?? 0;
      if (precedence < least || precedence === 0) return left;
      this.#next();
      left = { kind: "binary", sign, left, right: this.#binary(precedence + 1) };
    }
  }

  #unary(): Expression {
    for (const sign of ["!", "-"]) {
      if (this.#take(sign)) return { kind: "unary", sign, value: this.#unary() };
    }
    if (this.#peek().text === "(" && TYPES.has(this.#peek(1).text) && this.#peek(2).text === ")") {
      this.#next();
      const type = this.#next().text;
      this.#next();
      return { kind: "cast", type, value: this.#unary() };
    }
    return this.#postfix(this.#primary());
  }

  #postfix(target: Expression): Expression {
    if (this.#take(".")) {
      return this.#postfix({ kind: "member", target, name: this.#next().text });
    }
    if (this.#take("[")) {
      const key = this.expression();
      this.expect("]");
      return this.#postfix({ kind: "index", target, key });
    }
    const typeArgument = this.#typeArgument();
    if (this.#take("(")) {
      return this.#postfix({ kind: "call", callee: target, typeArgument, args: this.#list(")") });
    }
    return target;
  }

  #typeArgument(): string | undefined {
    const isOne =
      this.#peek().text === "<" && TYPES.has(this.#peek(1).text) && this.#peek(2).text === ">";
    if (!isOne) return undefined;
    this.#next();
    const type = this.#next().text;
    this.#next();
    return type;
  }

  #primary(): Expression {
    const token = this.#next();
    if (token.kind === "integer") return { kind: "literal", value: BigInt(token.text) };
    if (token.kind === "double") return { kind: "literal", value: Number(token.text) };
    if (token.kind === "text") return { kind: "literal", value: unquoted(token.text) };
    if (token.text === "new") return this.#creation();
    if (token.kind === "name") return word(token.text);
    if (token.text !== "(") throw new Error(`Not expected: "${token.text}".`);
    const inner = this.expression();
    this.expect(")");
    return inner;
  }

  #creation(): Expression {
    if (this.#take("[")) {
      this.expect("]");
      this.expect("{");
      return { kind: "array", items: this.#list("}") };
    }
    const type = this.#next().text;
    this.expect("(");
    return { kind: "new", type, args: this.#list(")") };
  }

  #list(end: string): readonly Expression[] {
    const items: Expression[] = [];
    if (this.#take(end)) return items;
    do items.push(this.expression());
    while (this.#take(","));
    this.expect(end);
    return items;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? { kind: "end", text: "" };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #take(text: string): boolean {
    const isThere = this.#peek().kind === "sign" && this.#peek().text === text;
    if (isThere) this.#at++;
    return isThere;
  }
}

function word(name: string): Expression {
  if (name === "true" || name === "false") return { kind: "literal", value: name === "true" };
  if (name === "null") return { kind: "literal", value: null };
  return { kind: "name", name };
}

const unquoted = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, "$1");
