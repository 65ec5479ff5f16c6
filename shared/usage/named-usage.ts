/**
 * The names under which usage is told, whatever its value: one pattern for all who look for them, so that events are
 * searched once. No mere text, for which an engine stops at every quote.
 */
export const NAMED_USAGE = /"usage(?:Metadata)?"/;
