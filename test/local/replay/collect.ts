/** Everything, or the first `limit` things, that an iteration gives. */
export async function collect<T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) {
    collected.push(item);
    if (collected.length >= limit) break;
  }
  return collected;
}
