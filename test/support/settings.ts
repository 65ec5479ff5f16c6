import { loadSettings, type Settings } from "../../shared/config/index.ts";

/** Settings with one backend, or with what a test sets. */
export function settingsWith(env: Record<string, string> = {}): Settings {
  return loadSettings({ Host1: "http://backend-1.test", ...env });
}
