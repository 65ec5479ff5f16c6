import { describe, expect, it } from "vitest";
import {
  resolveBinding,
  resolveExpressions,
} from "../../../local/host/config/binding-expressions.ts";
import { findConnection } from "../../../local/host/config/connections.ts";
import { applySettings } from "../../../local/host/config/environment.ts";
import { parseHostJson } from "../../../local/host/config/host-json.ts";
import { parseLocalSettings } from "../../../local/host/config/local-settings.ts";
import { parseTimeSpanMs } from "../../../local/host/config/time-span.ts";

describe("host.json", () => {
  it("has the platform's defaults", () => {
    const { value, problems } = parseHostJson({ version: "2.0" }, {});
    expect(problems).toEqual([]);
    expect(value).toMatchObject({
      functionTimeout: 1_800_000,
      extensions: {
        http: { routePrefix: "api", maxOutstandingRequests: -1 },
        serviceBus: {
          autoCompleteMessages: true,
          maxConcurrentSessions: 8,
          maxMessageBatchSize: 1000,
        },
        queues: { batchSize: 16, maxDequeueCount: 5, messageEncoding: "base64" },
        durableTask: { hubName: "TestHubName" },
      },
    });
  });

  it("is overridden by the environment, whatever the case of the path", () => {
    const { value, problems } = parseHostJson(
      { version: "2.0", extensions: { serviceBus: { maxConcurrentCalls: 1 } } },
      {
        AzureFunctionsJobHost__extensions__ServiceBus__maxConcurrentCalls: "4",
        AzureFunctionsJobHost__functionTimeout: "-1",
        "AzureFunctionsJobHost:extensions:http:routePrefix": "",
        AzureFunctionsJobHost__extensions__serviceBus__autoCompleteMessages: "false",
      },
    );
    expect(problems).toEqual([]);
    expect(value?.extensions.serviceBus).toMatchObject({
      maxConcurrentCalls: 4,
      autoCompleteMessages: false,
    });
    expect(value?.extensions.http.routePrefix).toBe("");
    expect(value?.functionTimeout).toBeUndefined();
  });

  it("accepts what means something in Azure only, and refuses by name what it does not emulate", () => {
    const { problems } = parseHostJson(
      {
        version: "2.0",
        extensionBundle: { id: "x" },
        logging: { applicationInsights: {}, logLevel: { default: "Warning" } },
        extensions: { http: { dynamicThrottlesEnabled: true, maxConcurrentRequests: 5 } },
      },
      {},
    );
    expect(problems).toEqual([
      "host.json: extensions.http.maxConcurrentRequests: not emulated by the local host",
      "host.json: extensions.http.dynamicThrottlesEnabled: not emulated by the local host",
    ]);
  });

  it("refuses a timeout below a second", () => {
    const { problems } = parseHostJson({ version: "2.0", functionTimeout: "00:00:00" }, {});
    expect(problems).toEqual([
      'host.json: functionTimeout: expected a time span of at least one second, or "-1" for none, got "00:00:00"',
    ]);
  });
});

describe("local.settings.json", () => {
  it("gives values and connection strings, and skips nulls", () => {
    const { value, problems } = parseLocalSettings({
      IsEncrypted: false,
      Values: { A: "a", N: 5, B: true, E: "", Skipped: null },
      ConnectionStrings: { Db: "text", Other: { ConnectionString: "long" } },
      Host: { LocalHttpPort: 7072, CORS: "http://a, http://b", CORSCredentials: true },
    });
    expect(problems).toEqual([]);
    expect(value).toEqual({
      values: {
        A: "a",
        N: "5",
        B: "true",
        E: "",
        "ConnectionStrings:Db": "text",
        "ConnectionStrings:Other": "long",
      },
      localHttpPort: 7072,
      cors: { origins: ["http://a", "http://b"], credentials: true },
    });
  });

  it("must say that it is not encrypted", () => {
    const complaint =
      "local.settings.json: IsEncrypted: must be there and false: encrypted settings are not emulated";
    expect(parseLocalSettings({ Values: {} }).problems).toEqual([complaint]);
    expect(parseLocalSettings({ IsEncrypted: true, Values: {} }).problems).toEqual([complaint]);
  });
});

describe("app settings", () => {
  it("lose to variables that hold something, the stronger source first", () => {
    const environment: Record<string, string | undefined> = { SET: "kept", EMPTY: "" };
    applySettings(environment, [
      { SET: "x", EMPTY: "options", BOTH: "options" },
      { BOTH: "file", FILE: "file", BLANK: "" },
    ]);
    expect(environment).toEqual({
      SET: "kept",
      EMPTY: "options",
      BOTH: "options",
      FILE: "file",
      BLANK: "",
    });
  });

  it("replace %NAME% in bindings, and those that are missing are named", () => {
    const missing: string[] = [];
    const complain = (name: string): void => void missing.push(name);
    expect(resolveExpressions("a-%X%-%Y%", { X: "1" }, complain)).toBe("a-1-%Y%");
    expect(missing).toEqual(["Y"]);
    const binding = { type: "%X%", name: "%X%", queueName: "%A:B%", methods: ["GET"] };
    expect(resolveBinding(binding, { X: "1", A__B: "colon" }, complain)).toEqual({
      ...binding,
      queueName: "colon",
    });
  });

  it("hold connections whole, prefixed, or as a group for an identity", () => {
    expect(findConnection({ Sb: "Endpoint=x" }, "Sb")).toEqual({ connectionString: "Endpoint=x" });
    expect(findConnection({ AzureWebJobsSb: "p", Sb: "x" }, "Sb")).toEqual({
      connectionString: "p",
    });
    const group = findConnection({ Sb__fullyQualifiedNamespace: "ns" }, "Sb");
    expect(group && "property" in group && group.property("fullyQualifiedNamespace")).toBe("ns");
    expect(findConnection({}, "Sb")).toBeUndefined();
  });
});

describe("time spans", () => {
  it.each([
    ["00:05:00", 300_000],
    ["1.02:03:04.5", 93_784_500],
    ["00:30", 1_800_000],
    ["-00:00:01", -1000],
    ["24:00:00", undefined],
    ["5", undefined],
    ["", undefined],
  ])("reads %s", (text, ms) => {
    expect(parseTimeSpanMs(text)).toBe(ms);
  });
});
