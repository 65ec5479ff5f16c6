import type { HostSettings } from "../../shared/config/index.ts";

/** A backend as the settings would have it; names what a test cares for. */
export function hostWith(change: Partial<HostSettings> = {}): HostSettings {
  return {
    id: "Host1",
    origin: "http://backend-1.test",
    basePath: "",
    pathPrefix: "",
    stripPrefix: true,
    mode: "probed",
    probePath: "probe",
    ipAddress: undefined,
    processor: undefined,
    tokenScope: undefined,
    weight: 1,
    tier: 1,
    priorities: undefined,
    maxConcurrency: undefined,
    firstByteTimeoutMs: undefined,
    model: undefined,
    region: undefined,
    contextWindow: undefined,
    midstream: "error",
    ...change,
  };
}
