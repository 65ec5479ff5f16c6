/** Where the management API is. */
export interface HubAddress {
  /** Origin of the host, such as `http://127.0.0.1:7071`. */
  origin: string;
  hubName: string;
  /** Key without which nobody is served; absent where everybody is. */
  accessKey?: string | undefined;
}

/** Path under which the management API is served. */
export const WEBHOOK_PATH = "/runtime/webhooks/durabletask";

/**
 * Path under which the client's own protocol is served. On Azure that is a port which only the app can
 * reach; here, where there is one port, the key is part of the path: the client sends it nowhere else.
 */
export function rpcPath({ accessKey }: HubAddress): string {
  return accessKey === undefined ? "/durabletask" : `/durabletask/${accessKey}`;
}

// On Azure this is the system key `durabletask_extension`.
const codeOf = ({ accessKey = "local" }: HubAddress): string => `code=${accessKey}`;

// The SDK replaces this word with the instance's id.
const ID_PLACEHOLDER = "INSTANCEID";

/** The links with which an instance is watched and controlled. */
export function managementUrls(address: HubAddress, instanceId: string) {
  const { origin, hubName } = address;
  const instance = `${origin}${WEBHOOK_PATH}/instances/${instanceId}`;
  const query = `taskHub=${hubName}&connection=Storage&${codeOf(address)}`;
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
  const code = codeOf(address);
  const start = `${origin}${WEBHOOK_PATH}/orchestrators/{functionName}[/{instanceId}]`;
  return JSON.stringify({
    taskHubName: hubName,
    creationUrls: {
      createNewInstancePostUri: `${start}?${code}`,
      createAndWaitOnNewInstancePostUri: `${start}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${code}`,
    },
    managementUrls: managementUrls(address, ID_PLACEHOLDER),
    baseUrl: `${origin}${WEBHOOK_PATH}`,
    requiredQueryStringParameters: code,
    // The SDK resolves its short paths against it, so the last slash matters.
    rpcBaseUrl: `${origin}${rpcPath(address)}/`,
  });
}
