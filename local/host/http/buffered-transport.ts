import type { RpcHttpCookie, RpcHttpData } from "../core/core-types.ts";
import type { Invoker } from "../invocation/invoker.ts";
import type { HttpCall, HttpTransport } from "./http-call.ts";
import { hasClientLeft, httpInvocation } from "./http-invocation.ts";
import { settleResponse } from "./settle-response.ts";

/** Requests and responses travel whole, as they do for an app that does not enable streaming. */
export function createBufferedTransport(invoker: Invoker): HttpTransport {
  const run = async (call: HttpCall): Promise<void> => {
    const input = httpInvocation(call, { http: await bufferedRequest(call) });
    const result = await invoker.run(call.target.fn, input, () => hasClientLeft(call));
    const output = result.returnValue ?? result.outputData?.find(({ data }) => data.http)?.data;
    writeResponse(call, output?.http);
  };
  return {
    serve: (call) => run(call).catch(() => settleResponse(call, 500)),
    close: () => Promise.resolve(),
  };
}

async function bufferedRequest({ request, params }: HttpCall): Promise<RpcHttpData> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(`http://${request.headers.host}${request.url}`);
  return {
    method: request.method ?? "GET",
    url: url.href,
    nullableHeaders: nullable(
      Object.entries(request.headers).map(([name, value]) => [name, String(value ?? "")]),
    ),
    nullableParams: nullable(Object.entries(params)),
    nullableQuery: nullable([...url.searchParams]),
    body: { bytes: Buffer.concat(chunks) },
  };
}

function nullable(
  entries: readonly (readonly [string, string])[],
): Record<string, { value: string }> {
  return Object.fromEntries(entries.map(([name, value]) => [name, { value }]));
}

function writeResponse(call: HttpCall, output: RpcHttpData | undefined): void {
  const { response } = call;
  if (response.destroyed || response.writableEnded) return;
  response.statusCode = Number(output?.statusCode ?? 200);
  for (const [name, value] of Object.entries(output?.headers ?? {})) {
    if (!isHopByHop(name)) response.setHeader(name, value);
  }
  const cookies = (output?.cookies ?? []).map(serializeCookie);
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  response.end(output?.body?.bytes ?? output?.body?.string ?? "");
}

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "trailer",
  "te",
]);

const isHopByHop = (name: string): boolean => HOP_BY_HOP.has(name.toLowerCase());

function serializeCookie(cookie: RpcHttpCookie): string {
  const attributes = [`${encodeURIComponent(cookie.name)}=${encodeURIComponent(cookie.value)}`];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) attributes.push(`${name}=${value}`);
  };
  add("Max-Age", cookie.maxAge?.value);
  add("Domain", cookie.domain?.value);
  add("Path", cookie.path?.value);
  add("Expires", expiresText(cookie.expires?.value));
  if (cookie.httpOnly?.value) attributes.push("HttpOnly");
  if (cookie.secure?.value) attributes.push("Secure");
  const sameSite = { lax: "Lax", strict: "Strict", explicitNone: "None" }[String(cookie.sameSite)];
  add("SameSite", sameSite);
  return attributes.join("; ");
}

function expiresText(value: NonNullable<RpcHttpCookie["expires"]>["value"]): string | undefined {
  if (value === undefined || value === null) return undefined;
  const at = typeof value === "object" && "seconds" in value ? value.seconds * 1000 : value;
  return new Date(at).toUTCString();
}
