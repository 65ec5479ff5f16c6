/** An entity's name, in lower case, and its key. */
export interface EntityId {
  name: string;
  key: string;
}

/** The id under which an entity gets its messages: `@name@key`. */
export function schedulerId({ name, key }: EntityId): string {
  return `@${name.toLowerCase()}@${key}`;
}

/** The entity behind a scheduler id. */
export function entityIdOf(id: string): EntityId {
  const keyAt = id.indexOf("@", 1);
  return { name: id.slice(1, keyAt), key: id.slice(keyAt + 1) };
}
