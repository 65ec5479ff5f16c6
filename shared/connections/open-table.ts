import type { TableClient, TableServiceClientOptions } from "@azure/data-tables";
import type { StorageConnection } from "../config/index.ts";
import { identityCredential } from "./identity-credential.ts";

/** Opens a table of a storage connection; the library loads on first use. */
export async function openTable(
  connection: StorageConnection,
  name: string,
  options: TableServiceClientOptions = {},
): Promise<TableClient> {
  const { TableClient } = await import("@azure/data-tables");
  if (connection.kind === "identity") {
    const credential = await identityCredential(connection.clientId);
    return new TableClient(connection.tableServiceUri, name, credential, options);
  }
  const { connectionString } = connection;
  // An emulator speaks http; the client refuses that unless told.
  const isPlainHttp = /(UseDevelopmentStorage=true|TableEndpoint=http:)/i.test(connectionString);
  return TableClient.fromConnectionString(connectionString, name, {
    ...options,
    allowInsecureConnection: isPlainHttp,
  });
}
