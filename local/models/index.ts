import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../shared/core/clock.ts";
import { type LocalLog, type RunningService, StartError } from "../service.ts";
import { Endpoint } from "./endpoint.ts";
import { FaultCounter } from "./fault-counter.ts";
import { DEFAULT_SETTINGS, type ModelSettingsPatch, parseSettingsPatch } from "./settings.ts";

export interface ModelsOptions {
  /** First port on 127.0.0.1; each further endpoint takes the next one. 0 takes free ones. */
  port: number;
  /** How many endpoints to start, each a backend of its own with its own capacity. */
  endpoints?: number;
  /** Seed of every random choice, so that a run can be repeated. */
  seed?: number;
  /** Speed and capacity of every endpoint; `POST /sim/settings` changes one endpoint's later. */
  settings?: ModelSettingsPatch;
  clock?: Clock;
  log?: LocalLog;
}

/** The simulated endpoints; `url` is the first one's. */
export interface RunningModels extends RunningService {
  readonly urls: readonly string[];
}

const HOST = "127.0.0.1";
const DEFAULT_ENDPOINTS = 2;
const MAX_ENDPOINTS = 100;

/** Starts simulated model endpoints. Fails with a `StartError` that names what the user must mend. */
export async function startModels(options: ModelsOptions): Promise<RunningModels> {
  const { port, seed = 1, clock = systemClock } = options;
  const settings = { ...DEFAULT_SETTINGS, ...checkedSettings(options.settings ?? {}) };
  const faults = new FaultCounter();
  const endpoints = Array.from({ length: checkedCount(options.endpoints) }, (_, index) => {
    return new Endpoint({ number: index + 1, seed, clock, settings, faults });
  });
  const close = async (): Promise<void> => {
    await Promise.all(endpoints.map(stop));
  };
  try {
    const urls: string[] = [];
    for (const [index, endpoint] of endpoints.entries()) {
      urls.push(await listen(endpoint, port === 0 ? 0 : port + index));
    }
    return { url: urls[0] ?? "", urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function checkedSettings(patch: ModelSettingsPatch): ModelSettingsPatch {
  const parsed = parseSettingsPatch(patch);
  if (!parsed.ok) throw new StartError(`The models' settings are wrong: ${parsed.problem}`);
  return parsed.patch;
}

function checkedCount(endpoints = DEFAULT_ENDPOINTS): number {
  if (Number.isInteger(endpoints) && endpoints >= 1 && endpoints <= MAX_ENDPOINTS) return endpoints;
  throw new StartError(`There can be 1 to ${MAX_ENDPOINTS} model endpoints, not ${endpoints}.`);
}

async function listen({ server }: Endpoint, port: number): Promise<string> {
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new StartError(
      `Port ${port} cannot be used for a simulated model endpoint (${code}). Stop what uses it, or set LOCAL_MODELS_PORT to another first port.`,
      { cause: error },
    );
  }
  return `http://${HOST}:${(server.address() as AddressInfo).port}`;
}

// A simulated answer is worth nothing once the stack stops, so nothing is waited for.
async function stop({ server }: Endpoint): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
