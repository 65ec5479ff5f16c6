import { app, type HttpHandler } from "@azure/functions";
import { Agent } from "undici";

/**
 * Function apps with nothing in them, for what the platform itself costs: one that answers the same to
 * everything, and one that passes requests on to `BENCH_ORIGIN` as anybody would write it.
 */
const origin = process.env["BENCH_ORIGIN"];
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
const ANSWER = Buffer.from(JSON.stringify({ id: "chatcmpl-1", padding: "x".repeat(1000) }));

const constant: HttpHandler = async (request) => {
  await request.arrayBuffer();
  return { headers: { "content-type": "application/json" }, body: ANSWER };
};

const proxy: HttpHandler = async (request) => {
  const answer = await agent.request({
    origin: String(origin),
    path: new URL(request.url).pathname,
    method: "POST",
    headers: { "content-type": String(request.headers.get("content-type")) },
    body: Buffer.from(await request.arrayBuffer()),
  });
  const headers = { "content-type": String(answer.headers["content-type"]) };
  // A stream as it comes, JSON as one piece: what is least work for the library.
  const isStream = headers["content-type"] === "text/event-stream";
  const body = isStream ? answer.body : new Uint8Array(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers, body };
};

app.setup({ enableHttpStream: true });
app.http("bench", {
  route: "{*path}",
  methods: ["GET", "POST"],
  authLevel: "anonymous",
  handler: origin === undefined ? constant : proxy,
});
