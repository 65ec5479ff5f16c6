import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { withLocalValues } from "../../local/local-values.ts";

function folderWith(document?: object): string {
  const folder = mkdtempSync(join(tmpdir(), "gateway-values-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (document) writeFileSync(join(folder, "local.settings.json"), JSON.stringify(document));
  return folder;
}

it("npm start takes the values of local.settings.json where the environment says nothing", () => {
  const Values = {
    Host1: "https://a.example",
    Workers: "3",
    DefaultTTLSecs: "60",
    AzureWebJobsStorage: "UseDevelopmentStorage=true",
    ServiceBusConnection: "Endpoint=sb://127.0.0.1",
  };
  const folder = folderWith({ IsEncrypted: false, Values });
  expect(withLocalValues(folder, { Workers: "5", DefaultTTLSecs: "", PATH: "/bin" })).toEqual({
    Host1: "https://a.example",
    Workers: "5",
    DefaultTTLSecs: "60",
    PATH: "/bin",
  });
});

it("npm start needs no such file, and names what is wrong with one", () => {
  const env = { PATH: "/bin" };
  expect(withLocalValues(folderWith(), env)).toBe(env);
  expect(() => withLocalValues(folderWith({ Values: {} }), env)).toThrow("IsEncrypted");
});
