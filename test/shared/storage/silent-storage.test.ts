import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import {
  BlobContainer,
  BlobStore,
  isStorageAway,
  MessageQueue,
  openBlobService,
  Table,
} from "../../../shared/storage/index.ts";
import { eventually } from "../../support/eventually.ts";

const LIMIT_MS = 100;
const SILENT = /^Storage was silent for \d+ ms\.$/;
/** What a service does with the call that a test makes, behind those that open what it is made on. */
type Silence = "silent" | "silent within its answer" | "silent from the start";

const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nETag: "1"\r\nContent-Length: 1000\r\n\r\n';
const DONE = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
const isOpening = (head: string): boolean =>
  /^(PUT .*restype=container|POST [^ ]*\/Tables)/.test(head);

/** Storage that takes every connection, and then falls silent. */
async function fallingSilent(silence: Silence, sockets = new Set<Socket>()): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.on("data", (bytes) => {
      const head = bytes.toString("latin1");
      if (!/^[A-Z]+ .*HTTP\/1\.1\r\n/.test(head) || silence === "silent from the start") return;
      if (isOpening(head)) socket.write(DONE);
      else if (silence === "silent within its answer") socket.write(`${HEAD}<half`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
  const account = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5";
  return `${account};BlobEndpoint=${url};QueueEndpoint=${url};TableEndpoint=${url};`;
}

const CALLS: Record<
  string,
  (at: { blobs: BlobContainer; queue: MessageQueue; table: Table }) => Promise<unknown>
> = {
  "a blob is written": ({ blobs }) => blobs.write("b", Buffer.from("text")),
  "a long blob is written": ({ blobs }) => blobs.write("b", Buffer.alloc(5_000_000)),
  "a body is streamed into a blob": ({ blobs }) =>
    blobs.writeStream("b", new Blob(["text"]).stream()),
  "a blob is read": ({ blobs }) => blobs.read("b"),
  "a blob is streamed": async ({ blobs }) => {
    for await (const _ of (await blobs.readStream("b"))?.body ?? []);
  },
  "a blob's size is asked for": ({ blobs }) => blobs.sizeOf("b"),
  "a log is made": ({ blobs }) => blobs.createLog("b", "text/plain"),
  "a blob is copied": ({ blobs }) => blobs.copyFrom(blobs, "b", "c"),
  "a blob is removed": ({ blobs }) => blobs.remove("b"),
  "blobs are removed": ({ blobs }) => blobs.removeAll("b"),
  "a message is sent": ({ queue }) => queue.send("text"),
  "messages are looked at": ({ queue }) => queue.peek(),
  "messages are taken": ({ queue }) => queue.receive(1, 1000),
  "a row is read": ({ table }) => table.get("p", "r"),
  "a row is inserted": ({ table }) => table.insert({ partitionKey: "p", rowKey: "r" }),
  "rows are listed": ({ table }) => table.readPartition("p"),
  "rows are changed": ({ table }) =>
    table.transact([{ kind: "upsert", row: { partitionKey: "p", rowKey: "r" } }]),
};
// Of these the head says all there is to say.
const HEADS = new Set([
  "a blob is written",
  "a long blob is written",
  "a body is streamed into a blob",
  "a blob's size is asked for",
  "a log is made",
  "a blob is copied",
  "a blob is removed",
  "a message is sent",
]);

const cases = Object.entries(CALLS).flatMap(([name, call]) =>
  (["silent from the start", "silent", "silent within its answer"] as const)
    .filter((silence) => silence !== "silent within its answer" || !HEADS.has(name))
    .map((silence) => [silence, name, call] as const),
);

it.each(cases)(
  "storage that is %s when %s is given up, and told of as away",
  async (silence, _, call) => {
    const connectionString = await fallingSilent(silence);
    const connection = { kind: "connectionString", connectionString } as const;
    const store = new BlobStore(() => openBlobService(connection));
    const failure = await call({
      blobs: new BlobContainer(() => store.service(), "c", LIMIT_MS),
      queue: new MessageQueue(connection, "q", LIMIT_MS),
      table: new Table(connection, "rows", LIMIT_MS),
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "storage-unavailable", retryAfterMs: 2000 });
    // Whatever else fails would be told of as away, too.
    expect(failure).toHaveProperty("cause.message", expect.stringMatching(SILENT));
    expect(isStorageAway(failure)).toBe(true);
  },
);

it.each([0, 1])("a blob that is given up after %d pieces keeps no connection", async (pieces) => {
  const sockets = new Set<Socket>();
  const connectionString = await fallingSilent("silent within its answer", sockets);
  const blobs = new BlobContainer(
    () => openBlobService({ kind: "connectionString", connectionString }),
    "c",
  );
  const body = (await blobs.readStream("b"))?.body[Symbol.asyncIterator]();
  for (let read = 0; read < pieces; read++) await body?.next();
  await body?.return?.();
  const isReading = ({ bytesWritten, closed }: Socket): boolean =>
    bytesWritten > DONE.length && !closed;
  await eventually(() => [...sockets].filter(isReading).length).toBe(0);
});
