/** One request of a trace: when it came, how long its prompt was and how long its answer. */
export interface TraceRow {
  /** Epoch milliseconds, with the fraction that the trace gives. */
  readonly atMs: number;
  readonly contextTokens: number;
  readonly generatedTokens: number;
  /** Whose it is, where the trace says so. */
  readonly userId?: string;
  /** Its priority class, where the trace says so; 1 is the most urgent. */
  readonly priorityClass?: number;
}

export type Parsed<Value> = { ok: true; value: Value } | { ok: false; problem: string };

/** Where the columns that are read stand in a row. */
export type TraceColumns = Readonly<Record<ColumnName, number>> &
  Readonly<Partial<Record<OptionalColumnName, number>>>;

const COLUMN_NAMES = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"] as const;
type ColumnName = (typeof COLUMN_NAMES)[number];
const OPTIONAL_COLUMN_NAMES = ["UserId", "PriorityClass"] as const;
type OptionalColumnName = (typeof OPTIONAL_COLUMN_NAMES)[number];

// A thousand times the longest context on offer; it bounds the prompt that one row can ask for.
const MAX_TOKENS = 10_000_000;
const USER_ID = /^[\x21-\x7e]{1,128}$/;
const LEAST_URGENT = 1000;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?\s*(Z|[+-]\d\d:\d\d)?$/;

const refuse = (problem: string): { ok: false; problem: string } => ({ ok: false, problem });
const cells = (line: string): string[] => line.split(",").map((cell) => cell.trim());

/** Finds the columns by their names in the trace's first line; others may stand between them. */
export function parseHeader(line: string): Parsed<TraceColumns> {
  const names = cells(line.replace(/^\uFEFF/, ""));
  const missing = COLUMN_NAMES.filter((name) => !names.includes(name));
  if (missing.length > 0) return refuse(`the header has no column ${missing.join(", ")}`);
  const [at, context, generated] = COLUMN_NAMES.map((name) => names.indexOf(name));
  const optional = OPTIONAL_COLUMN_NAMES.filter((name) => names.includes(name));
  return {
    ok: true,
    value: {
      TIMESTAMP: at ?? 0,
      ContextTokens: context ?? 0,
      GeneratedTokens: generated ?? 0,
      ...Object.fromEntries(optional.map((name) => [name, names.indexOf(name)])),
    },
  };
}

/** Reads one row, or says what is wrong with it. */
export function parseRow(line: string, columns: TraceColumns): Parsed<TraceRow> {
  const values = cells(line);
  const atMs = parseTimestamp(values[columns.TIMESTAMP] ?? "");
  if (atMs === undefined) return refuse(cannotRead("TIMESTAMP", values, columns));
  const contextTokens = parseTokens(values[columns.ContextTokens] ?? "");
  if (contextTokens === undefined) return refuse(cannotRead("ContextTokens", values, columns));
  const generatedTokens = parseTokens(values[columns.GeneratedTokens] ?? "");
  if (generatedTokens === undefined) return refuse(cannotRead("GeneratedTokens", values, columns));
  const row = { atMs, contextTokens, generatedTokens };
  const { UserId, PriorityClass } = columns;
  if (UserId === undefined && PriorityClass === undefined) return { ok: true, value: row };
  return withSender(row, values, columns);
}

const WANTED: Readonly<Record<ColumnName | OptionalColumnName, string>> = {
  TIMESTAMP: "a time such as 2023-11-16 18:15:46.6805900",
  ContextTokens: "a whole number of tokens",
  GeneratedTokens: "a whole number of tokens",
  UserId: "a name of 1 to 128 visible characters",
  PriorityClass: `a class from 1 to ${LEAST_URGENT}`,
};

/** Adds who sent it and how urgent it is; a cell that is left empty says nothing. */
function withSender(
  row: TraceRow,
  values: readonly string[],
  columns: TraceColumns,
): Parsed<TraceRow> {
  const { UserId: userAt, PriorityClass: classAt } = columns;
  const userId = userAt === undefined ? "" : (values[userAt] ?? "");
  const urgency = classAt === undefined ? "" : (values[classAt] ?? "");
  if (userId !== "" && !USER_ID.test(userId)) return refuse(cannotRead("UserId", values, columns));
  const priorityClass = /^\d{1,4}$/.test(urgency) ? Number(urgency) : 0;
  const isClass = priorityClass >= 1 && priorityClass <= LEAST_URGENT;
  if (urgency !== "" && !isClass) return refuse(cannotRead("PriorityClass", values, columns));
  return {
    ok: true,
    value: { ...row, ...(userId === "" ? {} : { userId }), ...(isClass ? { priorityClass } : {}) },
  };
}

function cannotRead(
  name: ColumnName | OptionalColumnName,
  values: readonly string[],
  columns: TraceColumns,
): string {
  const value = values[columns[name] ?? -1];
  if (value === undefined) return `the column ${name} is missing`;
  return `${name} is "${value.slice(0, 40)}", not ${WANTED[name]}`;
}

// Date keeps whole milliseconds only, and the gaps of a trace are often shorter than that.
function parseTimestamp(text: string): number | undefined {
  const [, day, time, fraction = "0", zone = "Z"] = TIMESTAMP.exec(text) ?? [];
  if (!day || !time) return undefined;
  const wholeMs = Date.parse(`${day}T${time}${zone}`);
  return Number.isFinite(wholeMs) ? wholeMs + Number(fraction) * 1000 : undefined;
}

function parseTokens(text: string): number | undefined {
  if (!/^\d{1,8}$/.test(text)) return undefined;
  const tokens = Number(text);
  return tokens <= MAX_TOKENS ? tokens : undefined;
}
