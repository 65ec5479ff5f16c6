import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

/** The pages that users read, by their paths in the repository. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  ...globSync("docs/**/*.md", { cwd: ROOT }),
].sort();

export const readDocument = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/**
 * A fenced block. Those of a shell say how they are tried: `offline` runs as it stands against one
 * stack, `start` starts something or takes long, and is held to names and options that there are,
 * `azure` needs a subscription. A block `output` shows what the one before it prints.
 */
export interface DocumentBlock {
  readonly document: string;
  readonly line: number;
  readonly language: string;
  readonly kind: string;
  readonly text: string;
}

const FENCE = /^( *)```([^\s`]*) ?([^\n`]*)\n([\s\S]*?)^ *```$/gm;

/** The fenced blocks of a document, in their order, without the indentation of lists. */
export function blocksOf(document: string): DocumentBlock[] {
  const text = readDocument(document);
  return [...text.matchAll(FENCE)].map((match) => {
    const [, indent = "", language = "", kind = "", body = ""] = match;
    return {
      document,
      line: text.slice(0, match.index).split("\n").length,
      language,
      kind,
      text: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    };
  });
}

export const isShell = ({ language }: DocumentBlock): boolean => /^(sh|bash)$/.test(language);

/** A command of a block, and the remark behind it. */
export interface Command {
  readonly text: string;
  readonly remark: string;
}

const HERE_DOCUMENT = /<<'?(\w+)'?[^\n]*\n[\s\S]*?^\1$/gm;

/** The commands of a shell's text, each in one line; comments and here-documents left out. */
export function commandsOf(text: string): Command[] {
  return text
    .replaceAll(HERE_DOCUMENT, "")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .flatMap((line) => line.split("&&"))
    .map((line) => {
      const [, command = "", remark = ""] = /^(.*?)(?:(?:^|\s)#\s*(.*))?$/.exec(line) ?? [];
      return { text: command.trim(), remark };
    })
    .filter((command) => command.text !== "");
}

/** A command without the variables that are set before it. */
export const withoutVariables = (command: string): string =>
  command.replace(/^(?:[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|\S*)\s+)+/, "");

/** Commands of npm that stand in a text between back-ticks. */
export function inlineNpmCommands(document: string): string[] {
  const text = readDocument(document).replaceAll(FENCE, "");
  return [...text.matchAll(/`([^`\n]*\bnpm (?:run|start|test)\b[^`\n]*)`/g)].map(([, command]) =>
    withoutVariables(command ?? ""),
  );
}
