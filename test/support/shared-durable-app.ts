import type { DurableClient, DurableOrchestrationStatus } from "durable-functions";
import { afterAll, beforeAll } from "vitest";
import { type DurableApp, startDurableApp } from "./durable-app.ts";
import { durableDir } from "./durable-dir.ts";
import { waitForEnd } from "./wait-for-status.ts";

/** An app that runs what a test file has registered, from its first test to its last. */
export interface SharedDurableApp {
  readonly client: DurableClient;
  /** Where it listens, without a slash at the end. */
  readonly origin: string;
  /** Runs an orchestration to its end. */
  run(name: string, input?: unknown): Promise<DurableOrchestrationStatus>;
}

/** Starts it with the file, on a folder of its own. */
export function sharedDurableApp(): SharedDurableApp {
  const dir = durableDir();
  let app: DurableApp | undefined;
  beforeAll(async () => {
    app = await startDurableApp({ dataDir: dir.path });
  });
  afterAll(async () => {
    await app?.close();
    dir[Symbol.dispose]();
  });
  const running = (): DurableApp => {
    if (!app) throw new Error("The app starts with the first test.");
    return app;
  };
  return {
    get client() {
      return running().client;
    },
    get origin() {
      return running().origin;
    },
    async run(name, input = null) {
      const { client } = running();
      return waitForEnd(client, await client.startNew(name, { input }));
    },
  };
}
