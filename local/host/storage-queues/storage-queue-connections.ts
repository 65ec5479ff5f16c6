import { findConnection } from "../config/connections.ts";
import type { Environment } from "../config/environment.ts";
import type { RpcBindingInfo } from "../core/core-types.ts";
import type { OpenStorageQueues, StorageQueue, StorageTarget } from "./storage-queue.ts";

const DEFAULT_CONNECTION = "AzureWebJobsStorage";

/** Opens storage queues, each account once. Scope: one host process. */
export class StorageQueueConnections {
  readonly #environment: Environment;
  readonly #open: OpenStorageQueues;
  readonly #accounts = new Map<string, ReturnType<OpenStorageQueues>>();

  constructor(environment: Environment, open: OpenStorageQueues) {
    this.#environment = environment;
    this.#open = open;
  }

  /** How to reach a queue of a binding's account; undefined when its connection is not set. */
  resolve(binding: RpcBindingInfo): ((queueName: string) => Promise<StorageQueue>) | undefined {
    const name = storageConnectionName(binding);
    const target = this.#target(name);
    if (!target) return undefined;
    return async (queueName) => {
      const account = this.#accounts.get(name) ?? this.#open(target);
      this.#accounts.set(name, account);
      return (await account)(queueName);
    };
  }

  #target(name: string): StorageTarget | undefined {
    const found = findConnection(this.#environment, name);
    if (!found || "connectionString" in found) return found;
    const accountName = found.property("accountName");
    const queueServiceUri =
      found.property("queueServiceUri") ??
      found.property("serviceUri") ??
      (accountName && `https://${accountName}.queue.core.windows.net`);
    return queueServiceUri ? { queueServiceUri } : undefined;
  }
}

/** The name of a storage binding's connection setting. */
export function storageConnectionName(binding: RpcBindingInfo): string {
  const name = binding["connection"];
  return typeof name === "string" && name !== "" ? name : DEFAULT_CONNECTION;
}
