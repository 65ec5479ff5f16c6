/** A priority class: 1 is the most urgent; which classes exist is said by the lanes document. */
export type PriorityClass = number;

/** Stable name of a backend within one set of settings (`Host1`, `Host2`, ...); never shown to clients. */
export type BackendId = string;

/** Makes an identifier that no other call makes. Never valid JSON, because the Functions worker parses ids that are. */
export type NewId = () => string;

/** A number in [0, 1). */
export type Random = () => number;
