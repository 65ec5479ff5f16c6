import { describe, expect, it } from "vitest";
import { loadConnections } from "../../../shared/config/index.ts";

describe("loadConnections", () => {
  it("prefers connection strings", () => {
    const env = {
      ServiceBusConnection: "Endpoint=sb://x",
      ServiceBusConnection__fullyQualifiedNamespace: "x.servicebus.windows.net",
      AzureWebJobsStorage: "UseDevelopmentStorage=true",
    };
    expect(loadConnections(env)).toEqual({
      messaging: { kind: "connectionString", connectionString: "Endpoint=sb://x" },
      storage: { kind: "connectionString", connectionString: "UseDevelopmentStorage=true" },
    });
  });

  it("reads the identity-based forms that the Functions host reads", () => {
    const env = {
      ServiceBusConnection__fullyQualifiedNamespace: "x.servicebus.windows.net",
      ServiceBusConnection__clientId: "id-1",
      AzureWebJobsStorage__blobServiceUri: "https://x.blob",
      AzureWebJobsStorage__queueServiceUri: "https://x.queue",
      AzureWebJobsStorage__tableServiceUri: "https://x.table",
    };
    expect(loadConnections(env)).toEqual({
      messaging: {
        kind: "identity",
        fullyQualifiedNamespace: "x.servicebus.windows.net",
        clientId: "id-1",
      },
      storage: {
        kind: "identity",
        blobServiceUri: "https://x.blob",
        queueServiceUri: "https://x.queue",
        tableServiceUri: "https://x.table",
        clientId: undefined,
      },
    });
  });

  it("finds no storage when one of its three services is missing", () => {
    const env = { AzureWebJobsStorage__blobServiceUri: "https://x.blob", ServiceBusConnection: "" };
    expect(loadConnections(env)).toEqual({ messaging: undefined, storage: undefined });
  });
});
