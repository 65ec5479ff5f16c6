import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

/** The repository's root. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** Every TypeScript file below `folder`, as paths from the repository's root. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** What a file imports: paths from the root for own files, package names for the rest. */
export function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  const specifiers = source.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^"';]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g,
  );
  return [...specifiers]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .map((specifier) =>
      specifier.startsWith(".")
        ? normalize(join(dirname(file), specifier))
        : packageName(specifier),
    );
}

/** One name that a file takes from another of ours, or passes on from it. */
export interface TakenName {
  readonly target: string;
  /** As its own file calls it. */
  readonly name: string;
}

/** The names that a file imports, or exports again, from own files. */
export function namesTaken(file: string): TakenName[] {
  const clauses = sourceText(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s*from\s+"(\.[^"]+)"/g,
  );
  return [...clauses].flatMap(([, names = "", specifier = ""]) => {
    const target = normalize(join(dirname(file), specifier));
    return names
      .split(",")
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type\s+/, "")
            .split(" as ")[0] ?? "",
      )
      .filter((name) => name !== "")
      .map((name) => ({ target, name }));
  });
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? `${parts[0]}/${parts[1]}` : (parts[0] ?? specifier);
}

/** A file's text. */
export function sourceText(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}
