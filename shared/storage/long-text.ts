import type { Row } from "./table.ts";

// A string property holds at most 32,768 characters; longer text continues in further properties.
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const MAX_PROPERTY_CHARACTERS = 32_000;

/** A value as JSON text in as many properties of a row as it takes. */
export function toLongText(value: object): Record<string, string> {
  const text = JSON.stringify(value);
  const properties: Record<string, string> = {};
  for (let part = 0; part * MAX_PROPERTY_CHARACTERS < text.length; part++) {
    const start = part * MAX_PROPERTY_CHARACTERS;
    properties[`value${part}`] = text.slice(start, start + MAX_PROPERTY_CHARACTERS);
  }
  return properties;
}

/** The value that {@link toLongText} wrote; the caller knows its type by the row it reads. */
export function fromLongText<Value>(row: Row): Value {
  let text = "";
  for (let part = 0; typeof row[`value${part}`] === "string"; part++) text += row[`value${part}`];
  return JSON.parse(text) as Value;
}
