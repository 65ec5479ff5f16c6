import { isFields } from "../../shared/core/fields.ts";

/**
 * The text a model would read in messages or input items: plain strings, `content` strings and
 * `text` parts. Images and files are left out, as their size says nothing about tokens.
 */
export function promptText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(promptText).join("\n");
  if (!isFields(value)) return "";
  if (typeof value["text"] === "string") return value["text"];
  return value["content"] === undefined ? "" : promptText(value["content"]);
}
