import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isSecretName,
  REDACTED,
  redactHeaders,
  redactTarget,
  redactText,
  redactValue,
} from "../../../shared/telemetry/index.ts";

const SECRET = "Zk9aB3xQ7LmP";
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dGVzdHNpZ25hdHVyZQ";
const encode = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

const HEADERS = [
  "Authorization",
  "authorization",
  "PROXY-AUTHORIZATION",
  "api-key",
  "Api_Key",
  "X-API-KEY",
  "x-goog-api-key",
  "Ocp-Apim-Subscription-Key",
  "x-functions-key",
  "x-operator-key",
  "X-Amz-Security-Token",
  "X-MS-TOKEN-AAD-ACCESS-TOKEN",
  "X-MS-TOKEN-AAD-ID-TOKEN",
  "X-MS-CLIENT-PRINCIPAL",
  "X-Auth-Token",
  "x-ms-copy-source-authorization",
  "Cookie",
  "Set-Cookie",
  "Webhook-Signature",
  "x-client-secret",
  "X-Api-Keys",
  "x-master-key",
  "x-app-key",
  "x-auth",
  "x-authorization-2",
  "X-Hub-Signature-256",
  "DPoP",
];

describe("a header that holds a secret", () => {
  it.each(HEADERS)("%s is told by its name alone, however that is written", (name) => {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(redactHeaders([[spelling, SECRET]])).toEqual([[spelling, REDACTED]]);
    }
  });

  it("is told as a part of others' values, too", () => {
    for (const value of [
      `Bearer ${SECRET}`,
      `bearer   ${SECRET}`,
      `key=${SECRET}; q=1`,
      `https://a.test/x?sig=${SECRET}`,
      `{"api_key":"${SECRET}"}`,
      JWT,
    ]) {
      const [[, kept] = []] = redactHeaders([["x-forwarded-note", value]]);
      expect(kept).toContain(REDACTED);
      expect(kept).not.toContain(SECRET);
      expect(kept).not.toContain(JWT);
    }
  });
});

describe("a target with secrets", () => {
  it.each([
    `/v1/chat?api-key=${SECRET}`,
    `/v1/chat?API-KEY=${SECRET}&x=1`,
    `/v1/chat?x=1&Api_Key=${SECRET}`,
    `/v1/chat?api%2Dkey=${SECRET}`,
    `/v1/chat?%61pi-key=${SECRET}`,
    `/v1/chat?api%252Dkey=${SECRET}`,
    `/v1/chat?subscription-key=${SECRET}`,
    `/v1/chat?code=${SECRET}`,
    `/v1beta/models/g:generateContent?key=${SECRET}`,
    `/c/blob?sv=2024&sig=${SECRET}%3D&se=2026`,
    `/c/blob?SIG=${SECRET}`,
    `/x?access_token=${SECRET}`,
    `/x#access_token=${SECRET}`,
    `/x?a=1;token=${SECRET}`,
    `/x?url=https://u:${SECRET}@a.test/`,
    `/x?url=${encodeURIComponent(`https://a.test/b?sig=${SECRET}`)}`,
    `/x?url=${encodeURIComponent(encodeURIComponent(`https://a.test/b?sig=${SECRET}`))}`,
    `/x?q=${encode(`Bearer ${SECRET}`)}`,
    `/x?body=${encodeURIComponent(`{"password":"${SECRET}"}`)}`,
    `/keys/sk-${SECRET}/usage`,
    `/x/${JWT}`,
    `/x?api-key[0]=${SECRET}`,
    `/x?filter[api_key]=${SECRET}`,
    `/x?url=rediss://:${SECRET}@a.test:6380`,
  ])("keeps none of them: %s", (target) => {
    const redacted = redactTarget(target);
    expect(redacted).toContain(REDACTED);
    expect(redacted).not.toContain(SECRET);
    expect(decodeURIComponent(decodeURIComponent(redacted))).not.toContain(SECRET);
    expect(redacted).not.toContain(JWT);
  });

  it.each([
    "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    "/v1/files/a%20b?limit=20&after=file-1",
    "/chat?x=%2F",
    "/v1/models/gemini-2.0:generateContent?alt=sse",
    "/",
  ])("is left as it is where there are none: %s", (target) => {
    expect(redactTarget(target)).toBe(target);
  });
});

describe("text with secrets", () => {
  it.each([
    `Endpoint=sb://a/;SharedAccessKeyName=root;SharedAccessKey=${SECRET}=`,
    `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${SECRET}==;x=1`,
    `InstrumentationKey=${SECRET};IngestionEndpoint=https://a.test/`,
    `SharedAccessSignature sr=x&sig=${SECRET}&se=1`,
    `{"headers":{"Authorization":"Bearer ${SECRET}"}}`,
    JSON.stringify(JSON.stringify({ "api-key": SECRET })),
    `GET https://a.test/?sig=${SECRET} failed`,
    `curl -H 'api-key: ${SECRET}'`,
    `amqps://user:${SECRET}@a.test`,
    `Cookie: session=${SECRET}`,
    `Cookie: a=1; b=${SECRET}\nAccept: x`,
    `Authorization: Custom a ${SECRET}`,
    `https://a.test/x?a=https://b.test/?sig=${SECRET}`,
    `Basic ${Buffer.from(`user:${SECRET}`).toString("base64")}`,
    `{"password":"two words, ${SECRET}; and } more"}`,
    `{"note":"x","api_key" : "a,${SECRET}","next":1}`,
    `{'password': 'a b ${SECRET}'}`,
    `{"set-cookie":["a=1","b=${SECRET}"],"x":1}`,
    `{"credentials":{"user":"a","value":"${SECRET}"}}`,
    `{"api\\u002dkey":"${SECRET}"}`,
    `["api-key","${SECRET}"]`,
    `[ 'Authorization', 'Custom ${SECRET}' ]`,
    `'api-key' => '${SECRET}'`,
    `<apiKey>${SECRET}</apiKey>`,
    `tool --api-key ${SECRET} --x`,
    `Authorization: Digest username="a", response="${SECRET}"`,
    `Bearer: ${SECRET}`,
    `bearer="${SECRET}"`,
    `BEARER\t${SECRET}`,
    `Bearer '${SECRET}'`,
    `rediss://:${SECRET}@a.test:6380`,
    `https://${SECRET}@a.test/x`,
    `https://u:p%40${SECRET}@a.test`,
    `Server=a;Password=x ${SECRET};Encrypt=true`,
    `Server=a;Password="x;${SECRET}";Encrypt=true`,
    `Pwd=a&${SECRET};`,
    `-----BEGIN PRIVATE KEY-----\nMIIE${SECRET}\n-----END PRIVATE KEY-----`,
    `gsk_${SECRET}${SECRET}`,
    `github_pat_11AAAAAAA_${SECRET}`,
    `sk_live_${SECRET}`,
    `Incorrect API key provided: ${SECRET}.`,
  ])("keeps none of them: %s", (text) => {
    const redacted = redactText(text);
    expect(redacted).toContain(REDACTED);
    expect(redacted).not.toContain(SECRET);
    expect(redacted).not.toContain(Buffer.from(`user:${SECRET}`).toString("base64"));
  });

  it("keeps what only looks alike", () => {
    const text =
      "max_tokens=100, totalTokens: 7, TOKENPROCESSOR: OpenAI, keyboard=qwerty, monkey: 1, " +
      "an api-key header, not <keys>, user@a.test, a//b, --verbose mode";
    expect(redactText(text)).toBe(text);
  });

  it("ends soon, whatever the text is", () => {
    const repeated = [
      "%25",
      "%",
      "a=",
      "=",
      "a",
      "eyJ-",
      "sk-",
      "//",
      "//a:",
      ": ",
      "\\\\",
      '"',
      "bearer ",
    ];
    for (const text of repeated.map((part) => part.repeat(100_000))) {
      const startedAt = performance.now();
      redactText(text);
      // A hundred times what it takes.
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    }
  });

  it("that is encoded more often than anybody does is no text at all", () => {
    expect(redactText(`a %${"25".repeat(7000)}41 b`)).toBe(`a ${REDACTED} b`);
  });

  it("keeps no value in quotes, whatever is in it and however often the text is a text's", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.integer({ min: 0, max: 4 }), (more, times) => {
        let text = JSON.stringify({ a: 1, password: `${more}${SECRET}`, b: "left" });
        for (let time = 0; time < times; time++) text = JSON.stringify({ text });
        expect(redactText(text)).not.toContain(SECRET);
      }),
    );
  });

  it("keeps what stands behind a value in quotes", () => {
    const text = '{"password":"a \\" b","next":"left"}';
    expect(redactText(text)).toBe(`{"password":"${REDACTED}","next":"left"}`);
  });

  it("keeps no key, however its name, case and encoding are chosen", () => {
    const names = ["api-key", "x-api-key", "sig", "access_token", "client_secret", "password"];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.stringMatching(/^[A-Za-z0-9]{12,40}$/),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        fc.integer({ min: 0, max: 2 }),
        (name, key, capitals, encodings) => {
          let written = [...name]
            .map((letter, at) => (capitals[at] ? letter.toUpperCase() : letter))
            .join("");
          for (let times = 0; times < encodings; times++)
            written = encodeURIComponent(encode(written));
          expect(redactTarget(`/x?a=1&${written}=${key}&b=2`)).not.toContain(key);
        },
      ),
    );
  });
});

describe("data with secrets", () => {
  it("keeps none of them, however deep, and keeps numbers and codes", () => {
    const redacted = redactValue({
      code: "queue-full",
      tokens: { inputTokens: 3, token: 4 },
      list: [{ "API-Key": SECRET }, [`sig=${SECRET}`]],
      nested: { clientSecret: { value: SECRET }, note: `Bearer ${SECRET}` },
      headers: [["api-key", SECRET]],
      rawHeaders: ["x-api-key", SECRET],
      fields: [{ name: "authorization", value: SECRET }],
      apiKeys: [SECRET],
      nothing: null,
    });
    expect(JSON.stringify(redacted)).not.toContain(SECRET);
    expect(redacted).toMatchObject({
      code: "queue-full",
      tokens: { inputTokens: 3, token: 4 },
      nothing: null,
    });
  });

  it("is cut where it has no end", () => {
    const endless: Record<string, unknown> = {};
    endless["self"] = endless;
    expect(JSON.stringify(redactValue(endless))).toContain(REDACTED);
  });

  it("knows names by their end", () => {
    expect(["my_vendor_api_key", "idToken", "x-thing-signature"].every(isSecretName)).toBe(true);
    expect(["max_tokens", "Usage.Total_Tokens", "tokenizer", "author"].some(isSecretName)).toBe(
      false,
    );
  });
});
