/** An object of the policy engine or a static class of .NET: members by name, items where it has an indexer. */
export interface HostObject {
  readonly members: Readonly<Record<string, unknown>>;
  readonly item?: (key: string) => unknown;
}

export type JsonObject = Record<string, unknown>;

/** A call of a member. */
export interface MemberCall {
  readonly name: string;
  readonly typeArgument: string | undefined;
  readonly args: readonly unknown[];
}

const HOSTS = new WeakSet<object>();

/** Makes an object that expressions may use by its members. */
export function host(
  members: Readonly<Record<string, unknown>>,
  item?: (key: string) => unknown,
): HostObject {
  const made = item ? { members, item } : { members };
  HOSTS.add(made);
  return made;
}

export const isHost = (value: unknown): value is HostObject =>
  typeof value === "object" && value !== null && HOSTS.has(value);

/** A property of a JObject. */
class JProperty {
  readonly name: string;
  readonly value: unknown;

  constructor(name: string, value: unknown) {
    this.name = name;
    this.value = value;
  }
}

export function toJsonObject(value: unknown): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !isHost(value)) {
    return value as JsonObject;
  }
  throw new Error(`It is no JObject: ${String(value)}.`);
}

/** Whole numbers of JSON are integers to C#. */
export function parseJson(text: unknown): unknown {
  return JSON.parse(String(text), (_, value: unknown) =>
    typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value,
  );
}

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));

export function newObject(type: string, args: readonly unknown[]): unknown {
  if (type === "JArray") return [...(args[0] as unknown[])];
  if (type === "JProperty") return new JProperty(String(args[0]), args[1]);
  if (type === "JObject") {
    const properties = args[0] as JProperty[];
    return Object.fromEntries(properties.map(({ name, value }) => [name, value]));
  }
  throw new Error(`Not in the subset: new ${type}`);
}

export function memberOf(target: unknown, name: string): unknown {
  if (isHost(target)) {
    if (name in target.members) return target.members[name];
  } else if (target instanceof JProperty) {
    if (name === "Name") return target.name;
  }
  throw new Error(`It has no member ${name}.`);
}

export function callMember(target: unknown, { name, typeArgument, args }: MemberCall): unknown {
  const method = methodOf(target, name);
  if (!method) throw new Error(`It has no method ${name}.`);
  return method(args, typeArgument);
}

type Method = (args: readonly unknown[], typeArgument?: string) => unknown;

function methodOf(target: unknown, name: string): Method | undefined {
  if (isHost(target)) {
    const member = target.members[name];
    if (typeof member !== "function") return undefined;
    return (args) => (member as (...all: readonly unknown[]) => unknown)(...args);
  }
  if (Array.isArray(target)) return listMethods(target)[name];
  if (typeof target === "string") return textMethods(target)[name];
  if (typeof target === "bigint" && name === "ToString") return () => String(target);
  return typeof target === "object" && target !== null ? objectMethods(target)[name] : undefined;
}

type OnItem = (item: unknown) => unknown;

function listMethods(list: readonly unknown[]): Record<string, Method> {
  return {
    Where: ([test]) => list.filter((item) => (test as OnItem)(item) === true),
    Select: ([map]) => list.map((item) => (map as OnItem)(item)),
    Any: ([test]) =>
      test ? list.some((item) => (test as OnItem)(item) === true) : list.length > 0,
    Concat: ([others]) => [...list, ...(others as unknown[])],
    OrderBy: ([key]) => ordered(list, [key as OnItem]),
    ThenBy: ([key]) => ordered(list, [...(KEYS.get(list) ?? []), key as OnItem]),
    FirstOrDefault: () => list[0] ?? null,
    Last: () => list.at(-1),
    Min: () => list.reduce((least, item) => (Number(item) < Number(least) ? item : least)),
  };
}

// What a list is in order of, for a ThenBy behind it.
const KEYS = new WeakMap<object, readonly OnItem[]>();

function ordered(list: readonly unknown[], keys: readonly OnItem[]): readonly unknown[] {
  const result = list.toSorted((a, b) => {
    for (const key of keys) {
      const difference = Number(key(a)) - Number(key(b));
      if (difference !== 0) return difference;
    }
    return 0;
  });
  KEYS.set(result, keys);
  return result;
}

function textMethods(text: string): Record<string, Method> {
  return {
    ToString: () => text,
    Contains: ([part]) => text.includes(String(part)),
    Split: ([separator]) => text.split(String(separator)),
    GetHashCode: () => BigInt(hashOf(text)),
  };
}

// Any hash will do: C# promises nothing of its own but that it is an int. This one is FNV-1a.
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

function objectMethods(target: object): Record<string, Method> {
  const entries = target as JsonObject;
  return {
    ToString: () => toJson(target),
    Properties: () => Object.entries(entries).map(([name, value]) => new JProperty(name, value)),
    Value: ([key], type) => {
      const value = entries[String(key)];
      if (type !== "long") throw new Error(`Not in the subset: Value<${type}>`);
      return value === undefined ? 0n : value;
    },
  };
}

/** The static classes that policies use. */
export function staticClasses(now: () => number): Record<string, HostObject> {
  const wholes = (args: unknown[]): boolean => args.every((arg) => typeof arg === "bigint");
  const pick =
    (choose: (...all: number[]) => number) =>
    (...args: unknown[]) => {
      const chosen = choose(...args.map(Number));
      return wholes(args) ? BigInt(chosen) : chosen;
    };
  return {
    JArray: host({ Parse: parseJson }),
    JObject: host({ Parse: parseJson }),
    Regex: host({
      IsMatch: (text: unknown, pattern: unknown) => new RegExp(String(pattern)).test(String(text)),
    }),
    int: host({ Parse: (text: unknown) => BigInt(String(text)) }),
    Math: host({
      Abs: pick(Math.abs),
      Min: pick(Math.min),
      Max: pick(Math.max),
      Log: (value: unknown) => Math.log(Number(value)),
    }),
    Convert: host({ FromBase64String: (text: unknown) => Buffer.from(String(text), "base64") }),
    Encoding: host({ UTF8: host({ GetString: (bytes: Buffer) => bytes.toString("utf8") }) }),
    DateTimeOffset: host({
      get UtcNow() {
        return host({ ToUnixTimeMilliseconds: () => BigInt(now()) });
      },
    }),
  };
}
