import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCertificate } from "../../../local/stack-certificate.ts";
import { startStorage } from "../../../local/storage/index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "storage-tls-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the stack's certificate", () => {
  it("is made once, and its key is for its owner alone", async () => {
    const first = await openCertificate(folder, undefined);
    const text = readFileSync(first.certPath, "utf8");
    const again = await openCertificate(folder, undefined);
    expect(readFileSync(again.certPath, "utf8")).toBe(text);
    expect(statSync(first.keyPath).mode & 0o077).toBe(0);
  });

  it("is trusted besides what the user trusts already", async () => {
    const own = join(folder, "company.pem");
    writeFileSync(own, "COMPANY");
    const { trustPath, certPath } = await openCertificate(join(folder, "tls"), own);
    const trusted = readFileSync(trustPath, "utf8");
    expect(trusted).toContain("COMPANY");
    expect(trusted).toContain(readFileSync(certPath, "utf8").trim());
  });
});

describe("storage by identity", () => {
  it("has settings without a key, and an endpoint whose tokens are for storage alone", async () => {
    const tls = await openCertificate(join(folder, "tls"), undefined);
    const storage = await startStorage({ port: 0, dataDir: join(folder, "data"), tls });
    try {
      const { appSettings } = storage;
      expect(JSON.stringify(appSettings)).not.toContain("AccountKey");
      expect(appSettings["AzureWebJobsStorage__blobServiceUri"]).toMatch(
        /^https:\/\/127\.0\.0\.1:/,
      );
      const ask = async (resource: string, secret = appSettings["IDENTITY_HEADER"] ?? "") => {
        const url = `${appSettings["IDENTITY_ENDPOINT"]}?api-version=2019-08-01&resource=${resource}`;
        const response = await fetch(url, { headers: { "x-identity-header": secret } });
        return { status: response.status, text: await response.text() };
      };
      const given = await ask("https://storage.azure.com/");
      expect([given.status, JSON.parse(given.text).token_type]).toEqual([200, "Bearer"]);
      expect((await ask("https://storage.azure.com/", "guessed")).status).toBe(401);
      expect(await ask("https://cognitiveservices.azure.com")).toMatchObject({
        status: 400,
        text: expect.stringContaining("does not emulate"),
      });
    } finally {
      await storage.close();
    }
  });
});
