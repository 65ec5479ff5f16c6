import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
// Names that are other ones in Azure Government and in China.
const PUBLIC =
  /(?:[\w-]+\.)*(?:windows\.net|azure\.com|azurewebsites\.net|azconfig\.io|microsoftonline\.com)/g;

/** Where a name of the public cloud may stand: a default that the deployment replaces, or one name for all. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "shared/config/authentication.ts": ["login.microsoftonline.com"],
  "shared/config/event-log.ts": ["servicebus.windows.net"],
  "shared/config/hosts.ts": ["cognitiveservices.azure.com"],
  // Azure Government issues the first version of tokens under this name, too.
  "shared/identity/issuers-of.ts": ["sts.windows.net"],
  // The audience of storage is the same in every cloud.
  "shared/documents/http-source.ts": ["storage.azure.com"],
};

const below = (folder: string, endings: RegExp): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((name) => endings.test(name));

/** A source without what only explains it. */
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(?<![:'"])\/\/.*$/gm, "");

describe("the names of Azure's clouds", () => {
  it("are in the code and the templates none of the public cloud's alone", () => {
    const files = [
      ...below("infra", /\.(?:bicep|bicepparam|xml)$/),
      ...below("shared", /\.ts$/),
      ...below("functions", /\.ts$/),
      "host.json",
    ];
    expect(files.length).toBeGreaterThan(300);
    const found = files.flatMap((file) => {
      const names = withoutComments(readFileSync(join(ROOT, file), "utf8")).match(PUBLIC) ?? [];
      return names.length > 0 ? [[file, [...new Set(names)]] as const] : [];
    });
    expect(Object.fromEntries(found)).toEqual(KNOWN);
  });
});
