type Environment = Readonly<Record<string, string | undefined>>;

/** How to reach a Service Bus namespace: with a connection string, or by identity. */
export type MessagingConnection =
  | { kind: "connectionString"; connectionString: string }
  | { kind: "identity"; fullyQualifiedNamespace: string; clientId: string | undefined };

/** How to reach a storage account: with a connection string, or by identity. */
export type StorageConnection =
  | { kind: "connectionString"; connectionString: string }
  | {
      kind: "identity";
      blobServiceUri: string;
      queueServiceUri: string;
      tableServiceUri: string;
      clientId: string | undefined;
    };

/** The connections, by the setting names that the Functions host reads for its triggers too. */
export interface Connections {
  readonly messaging: MessagingConnection | undefined;
  readonly storage: StorageConnection | undefined;
}

/** The connection name of every Service Bus trigger. */
export const SERVICE_BUS_CONNECTION = "ServiceBusConnection";
/** The connection name of every storage trigger. */
export const STORAGE_CONNECTION = "AzureWebJobsStorage";

/** Reads `ServiceBusConnection` and `AzureWebJobsStorage`, or their identity-based forms. */
export function loadConnections(env: Environment = process.env): Connections {
  return { messaging: messagingConnection(env), storage: storageConnection(env) };
}

function messagingConnection(env: Environment): MessagingConnection | undefined {
  const connectionString = env[SERVICE_BUS_CONNECTION];
  if (connectionString) return { kind: "connectionString", connectionString };
  const fullyQualifiedNamespace = env[`${SERVICE_BUS_CONNECTION}__fullyQualifiedNamespace`];
  if (!fullyQualifiedNamespace) return undefined;
  return {
    kind: "identity",
    fullyQualifiedNamespace,
    clientId: env[`${SERVICE_BUS_CONNECTION}__clientId`],
  };
}

function storageConnection(env: Environment): StorageConnection | undefined {
  const connectionString = env[STORAGE_CONNECTION];
  if (connectionString) return { kind: "connectionString", connectionString };
  const blobServiceUri = env[`${STORAGE_CONNECTION}__blobServiceUri`];
  const queueServiceUri = env[`${STORAGE_CONNECTION}__queueServiceUri`];
  const tableServiceUri = env[`${STORAGE_CONNECTION}__tableServiceUri`];
  if (!blobServiceUri || !queueServiceUri || !tableServiceUri) return undefined;
  return {
    kind: "identity",
    blobServiceUri,
    queueServiceUri,
    tableServiceUri,
    clientId: env[`${STORAGE_CONNECTION}__clientId`],
  };
}
