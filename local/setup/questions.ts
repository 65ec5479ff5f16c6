import { fieldsIn } from "../../shared/core/fields.ts";
import { parsedJson } from "../../shared/core/parsed-json.ts";
/** One thing that setup asks, and under which name the answer is kept. */
export interface Question {
  readonly name: string;
  /** Absent where it is only given, and never asked for. */
  readonly text?: string;
  /** Taken when nothing was set and nothing is answered; undefined leaves the name unset. */
  readonly fallback?: string;
  readonly isSecret?: boolean;
  /** Without an answer nothing would start. */
  readonly isRequired?: boolean;
  /** Whether it is asked for, by what was answered so far; it may be given in any case. */
  isAsked?(answers: ReadonlyMap<string, string>): boolean;
  /** What is wrong with an answer. */
  check?(answer: string): string | undefined;
}

const oneOf =
  (...allowed: readonly string[]) =>
  (answer: string): string | undefined =>
    allowed.includes(answer) ? undefined : `expected ${allowed.join(", ")}`;

function jsonArray(answer: string): string | undefined {
  const value = parsedJson(answer);
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return undefined;
  return 'expected a JSON array of texts, such as ["host=https://a.example;usemi=true"]';
}

function jsonObject(answer: string): string | undefined {
  const value = fieldsIn(parsedJson(answer));
  if (value && Object.values(value).every((each) => typeof each === "string")) return undefined;
  return 'expected a JSON object of texts, such as {"Workers":"100"}';
}

const days = (answer: string): string | undefined =>
  /^[1-9]\d{0,3}$/.test(answer) ? undefined : "expected a number of days";

const isForTokens = (answers: ReadonlyMap<string, string>): boolean =>
  (answers.get("GATEWAY_AUDIENCES") ?? "[]") !== "[]";

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
  {
    name: "GATEWAY_HOSTS",
    text: 'Backends, as a JSON array, such as ["host=https://a.example;usemi=true"]',
    isRequired: true,
    check: jsonArray,
  },
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
  {
    name: "GATEWAY_CALLER_APPLICATIONS",
    text: 'Client ids of the applications that may call, as a JSON array; ["*"] for all of the tenant',
    isAsked: isForTokens,
    check: jsonArray,
  },
  { name: "GATEWAY_TRUSTED_CALLERS", check: jsonArray },
  { name: "GATEWAY_KEY_VAULTS", check: jsonArray },
  { name: "GATEWAY_SETTINGS", check: jsonObject },
  {
    name: "GATEWAY_DURABLE",
    check: oneOf("", "storage", "scheduler"),
  },
  { name: "GATEWAY_SCHEDULER_ALLOWLIST", check: jsonArray },
  { name: "GATEWAY_ADDRESS_PREFIX" },
  { name: "GATEWAY_RESULT_RETENTION_DAYS", check: days },
  { name: "GATEWAY_LOG_RETENTION_DAYS", check: days },
  { name: "GATEWAY_ALERT_ACTION_GROUPS", check: jsonArray },
  { name: "GATEWAY_NODE_VERSION" },
  {
    name: "GATEWAY_UPDATE_STRATEGY",
    check: oneOf("Recreate", "RollingUpdate"),
  },
];
