/** Where the management API is. */
export interface HubAddress {
  /** Origin of the host, such as `http://127.0.0.1:7071`. */
  origin: string;
  hubName: string;
}

/** Path under which the management API is served. */
export const WEBHOOK_PATH = "/runtime/webhooks/durabletask";

/** Path under which the client's own protocol is served. */
export const RPC_PATH = "/durabletask";

// On Azure this is the system key `durabletask_extension`; locally nothing checks it.
const CODE = "code=local";

// The SDK replaces this word with the instance's id.
const ID_PLACEHOLDER = "INSTANCEID";

/** The links with which an instance is watched and controlled. */
export function managementUrls({ origin, hubName }: HubAddress, instanceId: string) {
  const instance = `${origin}${WEBHOOK_PATH}/instances/${instanceId}`;
  const query = `taskHub=${hubName}&connection=Storage&${CODE}`;
  const operation = (name: string) => `${instance}/${name}?reason={text}&${query}`;
  return {
    id: instanceId,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: operation("terminate"),
    rewindPostUri: operation("rewind"),
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: operation("suspend"),
    resumePostUri: operation("resume"),
  };
}

/** JSON text that a `durableClient` input binding receives. */
export function clientBinding(address: HubAddress): string {
  const { origin, hubName } = address;
  const start = `${origin}${WEBHOOK_PATH}/orchestrators/{functionName}[/{instanceId}]`;
  return JSON.stringify({
    taskHubName: hubName,
    creationUrls: {
      createNewInstancePostUri: `${start}?${CODE}`,
      createAndWaitOnNewInstancePostUri: `${start}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${CODE}`,
    },
    managementUrls: managementUrls(address, ID_PLACEHOLDER),
    baseUrl: `${origin}${WEBHOOK_PATH}`,
    requiredQueryStringParameters: CODE,
    // The SDK resolves its short paths against it, so the last slash matters.
    rpcBaseUrl: `${origin}${RPC_PATH}/`,
  });
}
