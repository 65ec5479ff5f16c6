import diagnosticsChannel from "node:diagnostics_channel";
import type { Server } from "node:http";
import type { HostLog } from "../invocation/host-log.ts";
import type { Invoker } from "../invocation/invoker.ts";
import { asIs } from "../invocation/typed-data.ts";
import type { HttpCall, HttpTransport } from "./http-call.ts";
import { hasClientLeft, httpInvocation } from "./http-invocation.ts";
import { closeLibraryServer } from "./library-server.ts";
import { INVOCATION_ID_HEADER } from "./public-messages.ts";
import { reportSilence, settleResponse } from "./settle-response.ts";

const requestStart = diagnosticsChannel.channel("http.server.request.start");

export interface BypassOptions {
  invoker: Invoker;
  log: HostLog;
  publicServer: Server;
  libraryServer: Server;
}

/**
 * Streams without a second hop: the public request is given to the library's own HTTP server, which
 * then writes straight to the client. Nothing listens but the public port.
 */
export function createBypassTransport({
  invoker,
  log,
  publicServer,
  libraryServer,
}: BypassOptions): HttpTransport {
  const run = (call: HttpCall): Promise<unknown> => {
    const { request, response, invocationId, target } = call;
    const input = httpInvocation(call, { dataOf: asIs });
    request.headers["x-forwarded-host"] = request.headers.host ?? "";
    request.headers["x-forwarded-proto"] = "http";
    request.headers[INVOCATION_ID_HEADER] = invocationId;
    if (requestStart.hasSubscribers) {
      // Node published this request before it had an invocation id, by which apps know their own.
      requestStart.publish({ request, response, socket: request.socket, server: publicServer });
    }
    libraryServer.emit("request", request, response);
    return invoker.run(target.fn, input, () => hasClientLeft(call));
  };
  return {
    async serve(call) {
      try {
        await run(call);
        if (!call.response.writableEnded) reportSilence(log, call);
      } catch {
        // The invoker has logged it; what is left is the client's answer.
      }
      if (!call.response.writableEnded) await repair(invoker, call);
    },
    close: () => closeLibraryServer(libraryServer),
  };
}

/** Answers what the function left open, through the library so that it forgets the response. */
async function repair(invoker: Invoker, call: HttpCall): Promise<void> {
  const { target, invocationId } = call;
  await invoker.answer(target.fn, invocationId, 500).catch(() => {});
  settleResponse(call, 500);
}
