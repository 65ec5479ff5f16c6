import { type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { startStorage } from "../../local/storage/index.ts";
import { startServer, type TestServer } from "./http-server.ts";

/** One call of the stack to its storage. */
export interface StorageCall {
  readonly service: "blob" | "queue" | "table";
  readonly method: string;
  /** Path and query, the account's name first. */
  readonly target: string;
  readonly body: Buffer;
}

/**
 * What happens to a call: it is late, it is refused, it is done and nobody ever says so, or it is done and
 * answered as if the service were busy, so that the library repeats it at once.
 */
export type StorageFault = { readonly lateMs: number } | "refused" | "unanswered" | "denied";

/** Storage with a door of its own for the stack, behind which a test decides what goes wrong. */
export interface FaultyStorage extends AsyncDisposable {
  /** For the stack. */
  readonly connectionString: string;
  /** For the test itself: nothing goes wrong here. */
  readonly direct: string;
  /** Decides about each call from now on; returns what tells how many met a fault. */
  fail(rule: (call: StorageCall) => StorageFault | undefined): () => number;
}

type Rule = (call: StorageCall) => StorageFault | undefined;

const ENDPOINT = /(Blob|Queue|Table)Endpoint=(http:\/\/[^/;]+)/g;

/** Starts storage in a folder. Scope: one test file, whatever stacks come and go meanwhile. */
export async function startFaultyStorage(dataDir: string): Promise<FaultyStorage> {
  const storage = await startStorage({ port: 0, dataDir });
  let rule: Rule = () => undefined;
  const doors: TestServer[] = [];
  let connectionString = storage.connectionString;
  for (const [, name = "", origin = ""] of storage.connectionString.matchAll(ENDPOINT)) {
    const service = name.toLowerCase() as StorageCall["service"];
    const door = await startServer((asked, answer) => {
      pass(asked, answer, { service, origin, rule: (call) => rule(call) }).catch(() =>
        answer.destroy(),
      );
    });
    doors.push(door);
    connectionString = connectionString.replace(origin, door.origin);
  }
  return {
    connectionString,
    direct: storage.connectionString,
    fail(next) {
      let failed = 0;
      rule = (call) => {
        const fault = next(call);
        if (fault !== undefined) failed += 1;
        return fault;
      };
      return () => failed;
    },
    async [Symbol.asyncDispose]() {
      for (const door of doors) await door[Symbol.asyncDispose]();
      await storage.close();
    },
  };
}

interface Door {
  readonly service: StorageCall["service"];
  readonly origin: string;
  readonly rule: Rule;
}

async function pass(
  asked: IncomingMessage,
  answer: ServerResponse,
  { service, origin, rule }: Door,
): Promise<void> {
  const { method = "GET", url: target = "/", rawHeaders } = asked;
  const body = await buffer(asked);
  const fault = rule({ service, method, target, body });
  if (fault === "refused") {
    answer.writeHead(503, { "content-length": 0 }).end();
    return;
  }
  if (typeof fault === "object") await pause(fault.lateMs);
  const told = await new Promise<IncomingMessage>((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    // The path says the account, so that a signature holds whatever host it was made for.
    const call = send({ hostname, port, method, path: target, headers: rawHeaders }, resolve);
    call.once("error", reject);
    call.end(body);
  });
  const bytes = await buffer(told);
  if (fault === "unanswered") return;
  if (fault === "denied") {
    answer.writeHead(503, { "content-length": 0, "retry-after-ms": 1 }).end();
    return;
  }
  const headers = told.rawHeaders.filter((_, index, all) => {
    const name = all[index - (index % 2)]?.toLowerCase();
    return name !== "transfer-encoding" && name !== "content-length";
  });
  const length = asked.method === "HEAD" ? told.headers["content-length"] : String(bytes.length);
  answer.writeHead(told.statusCode ?? 500, [
    ...headers,
    ...(length === undefined ? [] : ["content-length", length]),
  ]);
  answer.end(bytes);
}
