import {
  callMember,
  isHost,
  type JsonObject,
  memberOf,
  newObject,
  toJsonObject,
} from "./dotnet-values.ts";
import type { Expression } from "./parse-expression.ts";

/** The names that an expression knows: `context`, the static classes, and parameters of lambdas. */
export type Scope = Readonly<Record<string, unknown>>;

/** What a lambda is to the methods that call it. */
export type Lambda = (item: unknown) => unknown;

/**
 * Evaluates an expression. Whole numbers are bigints and doubles are numbers, so that a division is
 * the one that C# would make of it. Throws wherever C# would not compile or would throw.
 */
export function evaluateExpression(node: Expression, scope: Scope): unknown {
  const value = (inner: Expression): unknown => evaluateExpression(inner, scope);
  switch (node.kind) {
    case "literal":
      return node.value;
    case "name":
      if (!(node.name in scope)) throw new Error(`Unknown name: ${node.name}.`);
      return scope[node.name];
    case "member":
      return memberOf(value(node.target), node.name);
    case "index":
      return indexed(value(node.target), value(node.key));
    case "call":
      return call(node, scope);
    case "new":
      return newObject(node.type, node.args.map(value));
    case "array":
      return node.items.map(value);
    case "cast":
      return cast(node.type, value(node.value));
    case "lambda":
      return (item: unknown) => evaluateExpression(node.body, { ...scope, [node.parameter]: item });
    case "unary":
      return node.sign === "!" ? !asBoolean(value(node.value)) : negated(value(node.value));
    case "binary":
      return binary(node.sign, value(node.left), () => value(node.right));
    case "choice":
      return asBoolean(value(node.condition)) ? value(node.then) : value(node.otherwise);
  }
}

function call(node: Expression & { kind: "call" }, scope: Scope): unknown {
  const args = node.args.map((arg) => evaluateExpression(arg, scope));
  if (node.callee.kind !== "member") throw new Error("Only members can be called.");
  const target = evaluateExpression(node.callee.target, scope);
  return callMember(target, { name: node.callee.name, typeArgument: node.typeArgument, args });
}

function indexed(target: unknown, key: unknown): unknown {
  if (isHost(target)) {
    const { item } = target;
    if (!item) throw new Error("It has no items.");
    return item(String(key));
  }
  return (toJsonObject(target) as JsonObject)[String(key)] ?? null;
}

function cast(type: string, value: unknown): unknown {
  if (type === "int" || type === "long") return BigInt(Math.trunc(Number(present(type, value))));
  if (type === "double") return Number(present(type, value));
  if (type === "bool") return asBoolean(value);
  if (type === "string") return value === null ? null : asText(value);
  if (type === "JArray" && !Array.isArray(value)) throw new Error("It is no JArray.");
  if (type === "JObject") return toJsonObject(value);
  return value;
}

function present(type: string, value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "number") return value;
  throw new Error(`It is no ${type}: ${String(value)}.`);
}

function asBoolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw new Error(`It is no bool: ${String(value)}.`);
  return value;
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`It is no string: ${String(value)}.`);
}

const negated = (value: unknown): bigint | number =>
  typeof value === "bigint" ? -value : -Number(present("number", value));

function binary(sign: string, left: unknown, right: () => unknown): unknown {
  if (sign === "&&") return asBoolean(left) && asBoolean(right());
  if (sign === "||") return asBoolean(left) || asBoolean(right());
  if (sign === "??") return left ?? right();
  const other = right();
  if (sign === "==" || sign === "!=") {
    const [a, b] = [left, other].map((one) => (typeof one === "bigint" ? Number(one) : one));
    return (a === b) === (sign === "==");
  }
  if (sign === "+" && (typeof left === "string" || typeof other === "string")) {
    return `${left ?? ""}${other ?? ""}`;
  }
  return arithmetic(sign, left, other);
}

function arithmetic(sign: string, left: unknown, right: unknown): unknown {
  const areWhole = typeof left === "bigint" && typeof right === "bigint";
  if (areWhole) return onIntegers(sign, left, right);
  return onDoubles(sign, Number(present("number", left)), Number(present("number", right)));
}

function onIntegers(sign: string, a: bigint, b: bigint): unknown {
  if (sign === "+") return a + b;
  if (sign === "-") return a - b;
  if (sign === "*") return a * b;
  if (sign === "/") return a / b;
  if (sign === "%") return a % b;
  return onDoubles(sign, Number(a), Number(b));
}

function onDoubles(sign: string, a: number, b: number): unknown {
  if (sign === "+") return a + b;
  if (sign === "-") return a - b;
  if (sign === "*") return a * b;
  if (sign === "/") return a / b;
  if (sign === "<") return a < b;
  if (sign === "<=") return a <= b;
  if (sign === ">") return a > b;
  if (sign === ">=") return a >= b;
  throw new Error(`Not in the subset: ${sign}`);
}
