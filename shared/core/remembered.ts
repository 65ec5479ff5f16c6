/**
 * A pure function of a text that remembers its latest results, for texts that come again with nearly every
 * request, such as paths and origins. Forgets all when it is full: whoever sends ever new texts gains
 * nothing and costs no more than before. Scope: per instance.
 */
export function remembered<Result>(
  work: (text: string) => Result,
  { maxTexts = 500, maxLength = 256 }: { maxTexts?: number; maxLength?: number } = {},
): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const result = work(text);
    if (text.length > maxLength) return result;
    if (known.size >= maxTexts) known.clear();
    known.set(text, result);
    return result;
  };
}
