/** Reads `NAME="value"` lines as azd writes them. */
export function parseEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, quoted, plain] = /^\s*(\w+)=(?:"((?:[^"\\]|\\.)*)"|(.*))$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
  }
  return values;
}

/** Puts values into the text of such a file; lines of other names stay as they are. */
export function updateEnvFile(text: string, values: ReadonlyMap<string, string>): string {
  const left = new Map(values);
  const lines = text.split(/\r?\n/).filter((line, at, all) => line !== "" || at < all.length - 1);
  const updated = lines.map((line) => {
    const name = /^\s*(\w+)=/.exec(line)?.[1];
    const value = name === undefined ? undefined : left.get(name);
    if (name === undefined || value === undefined) return line;
    left.delete(name);
    return entry(name, value);
  });
  const added = [...left].map(([name, value]) => entry(name, value));
  return `${[...updated, ...added].join("\n")}\n`;
}

const entry = (name: string, value: string): string =>
  `${name}="${value.replaceAll(/[\\"$`]/g, (mark) => `\\${mark}`)}"`;
