import { findConnection } from "../config/connections.ts";
import type { Environment } from "../config/environment.ts";
import type { RpcBindingInfo } from "../core/core-types.ts";
import type { OpenServiceBus, ServiceBusConnection } from "./service-bus-client.ts";

// https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger#connections
const DEFAULT_CONNECTION = "ServiceBus";

/** Opens namespaces, each once, for all triggers and outputs that name it. Scope: one host process. */
export class ServiceBusConnections {
  readonly #environment: Environment;
  readonly #open: OpenServiceBus;
  readonly #opened = new Map<string, Promise<ServiceBusConnection>>();

  constructor(environment: Environment, open: OpenServiceBus) {
    this.#environment = environment;
    this.#open = open;
  }

  /** How to reach a binding's namespace; undefined when its connection is not set. */
  resolve(binding: RpcBindingInfo): (() => Promise<ServiceBusConnection>) | undefined {
    const name = connectionName(binding);
    const found = findConnection(this.#environment, name);
    if (!found) return undefined;
    if ("connectionString" in found) return () => this.#reuse(name, found);
    const fullyQualifiedNamespace = found.property("fullyQualifiedNamespace");
    if (!fullyQualifiedNamespace) return undefined;
    return () => this.#reuse(name, { fullyQualifiedNamespace });
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    const opened = [...this.#opened.values()];
    await Promise.all(opened.map(async (connection) => (await connection).close()));
  }

  #reuse(name: string, target: Parameters<OpenServiceBus>[0]): Promise<ServiceBusConnection> {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const connection = this.#open(target);
    this.#opened.set(name, connection);
    return connection;
  }
}

/** The name of a binding's connection setting. */
export function connectionName(binding: RpcBindingInfo): string {
  const name = binding["connection"];
  return typeof name === "string" && name !== "" ? name : DEFAULT_CONNECTION;
}
