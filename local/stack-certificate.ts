import { X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StorageTls } from "./storage/index.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFE_MS = 365 * DAY_MS;
// A stack may run for weeks on the certificate with which it was started.
const RENEW_BEFORE_MS = 60 * DAY_MS;

/** The stack's own certificate, and what makes processes of the stack trust it. */
export interface StackCertificate extends StorageTls {
  /** File for `NODE_EXTRA_CA_CERTS`: this certificate, and what the user trusts already. */
  readonly trustPath: string;
}

/** Opens the certificate for 127.0.0.1 in the folder; made when absent or about to expire. */
export async function openCertificate(
  folder: string,
  userTrustPath: string | undefined,
): Promise<StackCertificate> {
  mkdirSync(folder, { recursive: true });
  const certPath = join(folder, "cert.pem");
  const keyPath = join(folder, "key.pem");
  const trustPath = join(folder, "trust.pem");
  if (!isGood(certPath)) await make(certPath, keyPath);
  const parts = [certPath, userTrustPath].filter(
    (path) => path !== undefined && path !== trustPath,
  );
  writeFileSync(trustPath, parts.map((path) => readText(path)).join("\n"));
  return { certPath, keyPath, trustPath };
}

async function make(certPath: string, keyPath: string): Promise<void> {
  const { generate } = await import("selfsigned");
  const { cert, private: key } = await generate([{ name: "commonName", value: "local stack" }], {
    keyType: "ec",
    algorithm: "sha256",
    notAfterDate: new Date(Date.now() + LIFE_MS),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  // The certificate is written last: what is there has its key.
  writeFileSync(keyPath, key, { mode: 0o600 });
  chmodSync(keyPath, 0o600);
  writeFileSync(certPath, cert);
}

function isGood(certPath: string): boolean {
  const text = readText(certPath);
  if (text === "") return false;
  return new X509Certificate(text).validToDate.getTime() - RENEW_BEFORE_MS > Date.now();
}

function readText(path: string | undefined): string {
  try {
    return path === undefined ? "" : readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
