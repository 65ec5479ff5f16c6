import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import type { DurableEngine, DurableFunctions, DurableOptions } from "../../local/durable/index.ts";
import { refuseTaskReuse, startDurable } from "../../local/durable/index.ts";
import {
  programmingModel,
  type RegisteredFunction,
  registered,
  supplyFunctionsCore,
  type TypedData,
} from "./functions-core.ts";

supplyFunctionsCore();

/** What a test may watch of each episode: the trigger, and the SDK's context once it has run. */
export interface EpisodeWatcher {
  before?: (trigger: string) => void;
  after?: (trigger: string, context: { df?: unknown }) => void;
}

/** The functions registered through `durable-functions` in this process, called as a host would. */
export function sdkFunctions(watcher: EpisodeWatcher = {}): DurableFunctions {
  return {
    orchestrators: namesOf("orchestrationTrigger"),
    activities: namesOf("activityTrigger"),
    entities: namesOf("entityTrigger"),
    async invokeOrchestrator(name, input) {
      watcher.before?.(input);
      const result = await invoke(name, {
        data: { string: input },
        inspect: (state) => refuseTaskReuse(state),
        after: (context) => watcher.after?.(input, context),
      });
      return result ?? "null";
    },
    invokeActivity(name, instanceId, input) {
      const data = input === undefined ? {} : { string: input };
      return invoke(name, { data, metadata: { instanceId: { string: instanceId } } });
    },
    async invokeEntity(name, input) {
      return (await invoke(name, { data: { string: input } })) ?? "null";
    },
  };
}

function namesOf(triggerType: string): ReadonlySet<string> {
  const names = [...registered.values()]
    .filter(({ metadata }) => triggerOf(metadata)[1].type === triggerType)
    .map(({ metadata }) => metadata.name);
  return new Set(names);
}

function triggerOf(metadata: RegisteredFunction["metadata"]) {
  const trigger = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type));
  if (!trigger) throw new Error(`${metadata.name} has no trigger`);
  return trigger;
}

interface Invocation {
  data: TypedData;
  metadata?: Record<string, TypedData>;
  inspect?: (result: unknown) => void;
  after?: (context: { df?: unknown }) => void;
}

async function invoke(name: string, invocation: Invocation): Promise<string | undefined> {
  const fn = registered.get(name);
  if (!fn) throw new Error(`${name} is not registered`);
  const { metadata, callback } = fn;
  const invocationId = randomUUID();
  const model = programmingModel().getInvocationModel({
    invocationId,
    request: {
      invocationId,
      functionId: name,
      inputData: [{ name: triggerOf(metadata)[0], data: invocation.data }],
      triggerMetadata: invocation.metadata ?? {},
    },
    metadata,
    log: () => {},
  });
  const { context, inputs } = await model.getArguments();
  let result: unknown;
  try {
    result = await model.invokeFunction(context, inputs, callback);
  } finally {
    invocation.after?.(context);
  }
  invocation.inspect?.(result);
  return jsonText((await model.getResponse(context, result)).returnValue);
}

function jsonText(value: TypedData | undefined): string | undefined {
  if (value?.json !== undefined) return value.json;
  if (value?.string !== undefined) return JSON.stringify(value.string);
  const number = value?.int ?? value?.double;
  return number === undefined ? undefined : JSON.stringify(number);
}

/** An engine behind a real HTTP server, with the SDK's own client. */
export interface DurableApp extends AsyncDisposable {
  origin: string;
  engine: DurableEngine;
  client: df.DurableClient;
  close(): Promise<void>;
}

/** What a durable app starts with. */
export type DurableAppOptions = Omit<DurableOptions, "origin" | "functions" | "hubName"> &
  Partial<Pick<DurableOptions, "functions" | "hubName">>;

/** Starts the engine on a free port of this machine. */
export async function startDurableApp(options: DurableAppOptions): Promise<DurableApp> {
  let engine: DurableEngine | undefined;
  const server = createServer((request, response) => {
    if (!engine?.handle(request, response)) response.writeHead(404).end("not the engine's");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env["WEBSITE_HOSTNAME"] = host;
  const origin = `http://${host}`;
  try {
    engine = await startDurable({
      hubName: "TestHub",
      functions: sdkFunctions(),
      ...options,
      origin,
    });
  } catch (error) {
    await stop(server);
    throw error;
  }
  const running = engine;
  const close = async (): Promise<void> => {
    await running.close();
    await stop(server);
  };
  return { origin, engine, client: client(running), close, [Symbol.asyncDispose]: close };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The SDK's client, made from the engine's binding as in a function with a client input. */
export function client(engine: DurableEngine): df.DurableClient {
  const input = df.input.durableClient();
  const context = new InvocationContext({
    functionName: "client",
    options: { extraInputs: [input] },
  });
  context.extraInputs.set(input, JSON.parse(engine.clientBinding()));
  return df.getClient(context);
}
