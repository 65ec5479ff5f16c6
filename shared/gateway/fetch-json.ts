import type { FetchJson } from "../identity/index.ts";

/** Fetches a JSON document from where settings say that it is; a redirection is no answer. */
export const fetchJson: FetchJson = async (url, signal) => {
  const response = await fetch(url, { signal, redirect: "error" });
  if (response.ok) return response.json();
  await response.body?.cancel();
  throw new Error(`The document could not be fetched: status ${response.status}.`);
};
