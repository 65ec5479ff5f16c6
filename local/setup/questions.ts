/** One thing that setup asks, and under which name the answer is kept. */
export interface Question {
  readonly name: string;
  readonly text: string;
  /** Taken when nothing was set and nothing is answered; undefined leaves the name unset. */
  readonly fallback?: string;
  readonly isSecret?: boolean;
  /** What is wrong with an answer. */
  check?(answer: string): string | undefined;
}

const oneOf =
  (...allowed: readonly string[]) =>
  (answer: string): string | undefined =>
    allowed.includes(answer) ? undefined : `expected ${allowed.join(", ")}`;

function jsonArray(answer: string): string | undefined {
  try {
    const value: unknown = JSON.parse(answer);
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return undefined;
  } catch {
    // Said below.
  }
  return 'expected a JSON array of texts, such as ["host=https://a.example;usemi=true"]';
}

/** For `npm start`: kept as the Values of local.settings.json. */
export const LOCAL_QUESTIONS: readonly Question[] = [
  { name: "Host1", text: "Backend, as docs/settings.md writes them; empty for simulated models" },
  { name: "Host2", text: "Second backend; empty for none" },
  { name: "Workers", text: "Backend calls that one instance makes at once", fallback: "10" },
  {
    name: "OperatorKeys",
    text: "Key of those who run the gateway; empty for a new one",
    isSecret: true,
  },
];

/** For `azd up`: kept in azd's environment, from which infra/main.bicepparam reads them. */
export const AZURE_QUESTIONS: readonly Question[] = [
  {
    name: "AZURE_ENV_NAME",
    text: "Name of the environment",
    fallback: "gateway",
    check: (answer) =>
      /^[a-z0-9][a-z0-9-]{0,39}$/i.test(answer)
        ? undefined
        : "expected letters, digits and hyphens, up to 40",
  },
  {
    name: "AZURE_LOCATION",
    text: "Region",
    fallback: "swedencentral",
    check: (answer) =>
      /^[a-z0-9]+$/.test(answer) ? undefined : "expected a region such as swedencentral",
  },
  {
    name: "GATEWAY_SCENARIO",
    text: "Scenario: standard, performance or vnet",
    fallback: "standard",
    check: oneOf("standard", "performance", "vnet"),
  },
  {
    name: "GATEWAY_CLOUD",
    text: "Cloud: AzureCloud, AzureUSGovernment or AzureChinaCloud",
    fallback: "AzureCloud",
    check: oneOf("AzureCloud", "AzureUSGovernment", "AzureChinaCloud"),
  },
  { name: "GATEWAY_HOSTS", text: "Backends, as a JSON array", fallback: "[]", check: jsonArray },
  {
    name: "GATEWAY_MODEL_ACCOUNTS",
    text: "Resource ids of model accounts that the apps may call, as a JSON array",
    fallback: "[]",
    check: jsonArray,
  },
  {
    name: "GATEWAY_AUDIENCES",
    text: "Audiences of callers' Entra tokens, as a JSON array; [] lets callers in by function key",
    fallback: "[]",
    check: jsonArray,
  },
];
