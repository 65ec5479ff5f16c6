/** Whether one value of a route parameter satisfies a constraint. */
export type Constraint = (value: string) => boolean;

const INT_MAX = 2_147_483_647;
const LONG_MAX = 9_223_372_036_854_775_807n;
const DIGITS = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)$/;
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const GUID = /^[({]?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}[)}]?$/i;

const isFloat: Constraint = (value) => FLOAT.test(value);

const isInt: Constraint = (value) =>
  DIGITS.test(value) && Number(value) <= INT_MAX && Number(value) >= -INT_MAX - 1;

const isLong: Constraint = (value) =>
  DIGITS.test(value) &&
  BigInt(value.replace("+", "")) <= LONG_MAX &&
  BigInt(value.replace("+", "")) >= -LONG_MAX - 1n;

const PLAIN: Record<string, Constraint> = {
  int: isInt,
  long: isLong,
  bool: (value) => /^(true|false)$/i.test(value),
  guid: (value) => GUID.test(value),
  alpha: (value) => /^[a-z]*$/i.test(value),
  decimal: (value) => DECIMAL.test(value),
  double: isFloat,
  float: isFloat,
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== "",
};

const bound = (text: string | undefined): number => {
  if (!text || !DIGITS.test(text.trim())) throw new Error("needs whole numbers");
  return Number(text);
};

const WITH_ARGUMENTS: Record<string, (args: readonly string[]) => Constraint> = {
  minlength: ([min]) => {
    const least = bound(min);
    return (value) => value.length >= least;
  },
  maxlength: ([max]) => {
    const most = bound(max);
    return (value) => value.length <= most;
  },
  length: ([first, second]) => {
    const least = bound(first);
    const most = second === undefined ? least : bound(second);
    return (value) => value.length >= least && value.length <= most;
  },
  min: ([min]) => {
    const least = bound(min);
    return (value) => isLong(value) && Number(value) >= least;
  },
  max: ([max]) => {
    const most = bound(max);
    return (value) => isLong(value) && Number(value) <= most;
  },
  range: ([min, max]) => {
    const [least, most] = [bound(min), bound(max)];
    return (value) => isLong(value) && Number(value) >= least && Number(value) <= most;
  },
};

/** Compiles an inline constraint such as `int` or `length(2,5)`; throws for one that does not exist. */
export function compileConstraint(text: string): Constraint {
  const match = /^([a-z]+)(?:\(([\s\S]*)\))?$/i.exec(text);
  const name = match?.[1]?.toLowerCase() ?? "";
  const argumentText = match?.[2];
  if (name === "regex" && argumentText !== undefined) {
    const expression = new RegExp(argumentText, "i");
    return (value) => expression.test(value);
  }
  const withArguments = WITH_ARGUMENTS[name];
  if (withArguments && argumentText !== undefined) return withArguments(argumentText.split(","));
  const plain = PLAIN[name];
  if (plain && argumentText === undefined) return plain;
  throw new Error(`route constraint "${text}" does not exist`);
}
