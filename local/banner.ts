import { styleText } from "node:util";
import type { Stack } from "./stack.ts";
import type { StackSettings } from "./stack-settings.ts";

const WHAT = {
  storage: "blobs, queues, tables (Azurite)",
  broker: "Service Bus (AMQP)",
  durable: "Durable engine of all hosts",
  models: "simulated model endpoints",
  host: "Functions host with the gateway",
} as const;

const isPart = (name: string): name is keyof typeof WHAT => Object.hasOwn(WHAT, name);

const bold = (text: string): string => styleText("bold", text);
const dim = (text: string): string => styleText("dim", text);

/** What runs, where, and what to try: for a person at a terminal. */
export function banner(stack: Stack, settings: StackSettings): string {
  const rows = [...stack.parts].map(([name, part]) => {
    const urls = Array.isArray(part.facts["urls"]) ? part.facts["urls"] : [part.facts.url];
    return `  ${bold(name.padEnd(8))} ${urls.join("  ")}  ${dim(isPart(name) ? WHAT[name] : WHAT.host)}`;
  });
  return [
    "",
    bold("SimpleL7Proxy for Azure Functions"),
    "",
    ...rows,
    ...tryThis(stack),
    "",
    dim(`  data    ${settings.dataDir}`),
    "",
  ].join("\n");
}

function tryThis(stack: Stack): string[] {
  const origin = stack.parts.get(stack.hosts[0] ?? "")?.facts.url;
  if (!origin) return [];
  const body = `-H 'content-type: application/json' -d '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]`;
  const chat = `${origin}/v1/chat/completions`;
  return [
    "",
    bold("  Try"),
    `  curl -N ${chat} ${body},"stream":true}'`,
    `  curl ${chat} -H 'S7PPriorityKey: 12345' ${body}}'`,
    `  curl -i ${chat} -H 'S7PAsyncMode: true' ${body}}'`,
  ];
}

/** The settings that a host needs which the stack does not start, as local.settings.json has them. */
export function hostSettingsText(appSettings: Readonly<Record<string, string>>): string {
  return JSON.stringify({ IsEncrypted: false, Values: appSettings }, undefined, 2);
}
