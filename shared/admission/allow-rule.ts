/** A rule of `ValidateHeaders`: every value of `header` must be on the list that `allowList` holds. */
export interface AllowRule {
  readonly header: string;
  readonly allowList: string;
  /** The header as refusals name it: without the gateway's own prefix, as the original has it. */
  readonly shownAs: string;
  readonly isPath: boolean;
}

/** The pseudo header that stands for path and query. */
export const PATH_HEADER = "s7path";

const OWN_PREFIX = "S7";

/** Prepares a rule for requests. */
export function compileAllowRule([header, allowList]: readonly [string, string]): AllowRule {
  return {
    header,
    allowList,
    shownAs: header.startsWith(OWN_PREFIX) ? header.slice(OWN_PREFIX.length) : header,
    isPath: header.toLowerCase() === PATH_HEADER,
  };
}

/**
 * Whether `value` is on a comma-separated list: equal without regard to case, or beginning with what
 * stands before a final `*`.
 */
export function isOnList(value: string, list: string): boolean {
  const wanted = value.trim().toLowerCase();
  return list.split(",").some((item) => {
    const pattern = item.trim().toLowerCase();
    if (pattern === "") return false;
    return pattern.endsWith("*") ? wanted.startsWith(pattern.slice(0, -1)) : wanted === pattern;
  });
}

/**
 * The spellings under which a path is judged: as sent, and with its dot segments resolved, because
 * `/file/../admin` begins with `/file/` and is none. Undefined when it cannot be read.
 */
export function pathSpellings(target: string): readonly string[] | undefined {
  if (!/[.\\%]|\/\//.test(target)) return [target];
  const unescaped = target.replace(/%2f/gi, "/").replace(/%5c/gi, "\\").replace(/%2e/gi, ".");
  const url = URL.parse(`http://path.invalid${unescaped}`);
  return url?.hostname === "path.invalid" ? [target, url.pathname + url.search] : undefined;
}
