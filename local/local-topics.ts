import { readFileSync } from "node:fs";

/** A topic of a caller, and its subscriptions besides the one that every topic has. */
export interface LocalTopic {
  readonly name: string;
  readonly subscriptions: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The topics that callers need besides the gateway's own: those of `LOCAL_TOPICS`
 * (`name`, or `name:subscription+subscription`, separated by commas), and those that the profiles of a
 * local file name when the stack starts.
 */
export function localTopics(listed: string, env: Environment): readonly LocalTopic[] {
  const byKey = new Map<string, LocalTopic>();
  for (const name of topicsOfProfiles(env))
    byKey.set(name.toLowerCase(), { name, subscriptions: [] });
  for (const entry of listed.split(",").filter((text) => text.trim() !== "")) {
    const [name = "", subscriptions = ""] = entry.split(":").map((text) => text.trim());
    byKey.set(name.toLowerCase(), {
      name,
      subscriptions: subscriptions.split("+").filter((text) => text !== ""),
    });
  }
  return [...byKey.values()];
}

const TOPIC = /(?:^|,)\s*topic\s*=\s*([^,\s]+)/i;

/** The app itself judges the profiles; here what is no topic is passed over. */
function topicsOfProfiles({ UserConfigUrl, AsyncClientConfigFieldName }: Environment): string[] {
  const field = (AsyncClientConfigFieldName || "async-config").toLowerCase();
  if (!UserConfigUrl || !/^file:/i.test(UserConfigUrl)) return [];
  return readEntries(UserConfigUrl).flatMap((entry) => {
    const config = Object.entries(Object(entry)).find(
      ([name]) => name.toLowerCase() === field,
    )?.[1];
    const topic = typeof config === "string" ? TOPIC.exec(config)?.[1] : undefined;
    return topic === undefined ? [] : [topic];
  });
}

function readEntries(location: string): readonly unknown[] {
  const path = location.slice("file:".length);
  try {
    const file = path.startsWith("//") ? new URL(location) : path;
    const document: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(document) ? document : [];
  } catch {
    return [];
  }
}
