import { describe, expect, it } from "vitest";
import type { TestGateway } from "../../../support/gateway.ts";
import { hostsOf, openPair, serve } from "../../../support/serving.ts";
import { bodyOf } from "../../../support/streams.ts";

const STREAM = [["content-type", "text/event-stream"]] as const;
const eventOf = (refusal: string): string => `data: ${refusal}\n\n`;
const refusalOf = (code: string): string =>
  JSON.stringify({ error: { type: "invalid_request_error", code } });
const TOO_LONG = refusalOf("context_length_exceeded");
const FILTERED = refusalOf("content_filter");

const sized = (): TestGateway =>
  openPair({
    Host1: "host=a.test;contextwindow=8000",
    Host2: "host=b.test;contextwindow=8000",
    Host3: "host=c.test;contextwindow=200000",
  });

/** The next answer is a stream that says nothing but this. */
function refuse({ backends }: TestGateway, refusal: string): void {
  backends.answers.push(async () => ({
    status: 200,
    headers: STREAM,
    body: bodyOf(eventOf(refusal)),
    refusal,
    discard: () => {
      backends.discarded += 1;
    },
  }));
}

describe("a stream that says only that its request is too long", () => {
  it("is left for a larger model alone, and blames nobody", async () => {
    const gateway = sized();
    refuse(gateway, TOO_LONG);
    gateway.backends.answer(200, "fits", STREAM);
    expect(await serve(gateway)).toMatchObject({ status: 200, text: "fits" });
    expect(hostsOf(gateway)).toEqual(["Host1", "Host3"]);
    expect(gateway.backends.discarded).toBe(1);
    expect(gateway.services.pool.backends.map(({ inFlight }) => inFlight)).toEqual([0, 0, 0]);
  });

  it("is the client's as it came where the larger one fails too", async () => {
    const gateway = sized();
    refuse(gateway, TOO_LONG);
    gateway.backends.answer(500);
    expect(await serve(gateway)).toMatchObject({ status: 200, text: eventOf(TOO_LONG) });
    expect(hostsOf(gateway)).toEqual(["Host1", "Host3"]);
  });

  it("is the client's where there is no larger one", async () => {
    const gateway = openPair();
    refuse(gateway, TOO_LONG);
    expect(await serve(gateway)).toMatchObject({ status: 200, text: eventOf(TOO_LONG) });
    expect(hostsOf(gateway)).toHaveLength(1);
  });
});

describe("a stream that refuses its request for another reason", () => {
  it("is the client's, and tried nowhere else", async () => {
    const gateway = sized();
    refuse(gateway, FILTERED);
    expect(await serve(gateway)).toMatchObject({ status: 200, text: eventOf(FILTERED) });
    expect(hostsOf(gateway)).toEqual(["Host1"]);
  });
});
