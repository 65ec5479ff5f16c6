/** The members of a JSON object, by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object; a list is none. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object that a JSON value is; undefined for everything else. */
export const fieldsIn = (value: unknown): Fields | undefined =>
  isFields(value) ? value : undefined;
