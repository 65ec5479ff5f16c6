import type { HeaderLogging } from "../config/index.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import { redactHeaders, redactText } from "./redact.ts";

/** What the event log tells of a request's and its answer's heads; no secret is among it. */
export interface LoggedExchange {
  readonly host: string | undefined;
  readonly userAgent: string | undefined;
  readonly requestLength: string | undefined;
  readonly contentType: string | undefined;
  readonly contentLength: string | undefined;
  readonly requestHeaders: HeaderList;
  readonly responseHeaders: HeaderList;
}

/** Takes of two heads what the settings let be told. */
export function loggedExchange(
  request: HeaderList,
  response: HeaderList,
  logging: HeaderLogging,
): LoggedExchange {
  const { allOfRequest, requestExcept, allOfResponse, responseExcept, ofResponse } = logging;
  const asked = (name: string): string | undefined => plain(headerValue(request, name));
  const answered = (name: string): string | undefined => plain(headerValue(response, name));
  return {
    host: asked("host"),
    userAgent: asked("user-agent"),
    requestLength: asked("content-length"),
    contentType: answered("content-type"),
    contentLength: answered("content-length"),
    requestHeaders: chosen(request, (name) => allOfRequest && !requestExcept.has(name)),
    responseHeaders: chosen(response, (name) =>
      allOfResponse ? !responseExcept.has(name) : ofResponse.has(name),
    ),
  };
}

const plain = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : redactText(value);

const chosen = (headers: HeaderList, isTold: (lowerCaseName: string) => boolean): HeaderList =>
  redactHeaders(headers.filter(([name]) => isTold(name.toLowerCase())));
