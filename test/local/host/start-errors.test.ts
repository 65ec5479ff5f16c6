import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../local/free-port.ts";
import { startFixture } from "./start-fixture.ts";

const failure = (name: string, options = {}): Promise<string> =>
  startFixture(name, options).then(
    async (host) => {
      await host.stop();
      return "it started";
    },
    (error: Error) => error.message,
  );

describe("a host that cannot start", () => {
  it("passes the app's own words on whole when it throws while loading, and never listens", async () => {
    const port = await freePort();
    let hasListened = false;
    const poll = setInterval(() => {
      fetch(`http://127.0.0.1:${port}/`).then(
        () => {
          hasListened = true;
        },
        () => {},
      );
    }, 20);
    const message = await failure("broken-load", { options: { port } });
    clearInterval(poll);
    expect(message).toContain("broken-load/index.cjs");
    expect(message).toContain(
      "Settings are wrong:\n- Host1 is not a URL\n- Workers must be positive",
    );
    expect(hasListened).toBe(false);
  });

  it("names every problem of host.json and local.settings.json at once", async () => {
    const message = await failure("bad-config");
    for (const problem of [
      'host.json: version: Invalid input: expected "2.0"',
      "host.json: extensions.http.routePrefix: ",
      "host.json: extensions.http.typo: unknown setting",
      "host.json: extensions.queues.batchSize: ",
      'host.json: functionTimeout: expected a time span of at least one second, or "-1" for none, got "soon"',
      "host.json: surprise: unknown setting",
      "local.settings.json: IsEncrypted: must be there and false",
      "local.settings.json: Values.A: ",
      "local.settings.json: Hosts: unknown setting",
    ]) {
      expect(message).toContain(problem);
    }
  });

  it("names a file that is not JSON along with what is wrong in the other one", async () => {
    const appDir = mkdtempSync(join(tmpdir(), "unreadable-"));
    onTestFinished(() => rmSync(appDir, { recursive: true, force: true }));
    writeFileSync(join(appDir, "host.json"), '{ "version": "2.0", }');
    writeFileSync(join(appDir, "local.settings.json"), '{ "IsEncrypted": true }');
    const message = await failure("echo", { options: { appDir } });
    expect(message).toContain(`${join(appDir, "host.json")} is not JSON: `);
    expect(message).toContain("local.settings.json: IsEncrypted: must be there and false");
  });

  it("names every function that it cannot serve, and why", async () => {
    const message = await failure("unservable");
    expect(message.split("\n- ").slice(1).sort()).toEqual(
      [
        'Function "adminRoute", route "administration": conflicts with one or more built in routes',
        'Function "badConstraint", route "x/{id:whole}": route constraint "whole" does not exist',
        'Function "badSchedule": its schedule: "every day" is neither NCRONTAB (6 or 5 fields) nor a time span',
        'Function "blobs": blobTrigger is not emulated',
        'Function "noConnection": the connection "Missing" of its serviceBusTrigger is not set',
        'Function "noConnection": the connection "Missing" of its serviceBus output is not set',
        'Function "noSetting": %QUEUE_NAME% is not set',
        'Function "sameRoute", route "THINGS": function "firstRoute" has it for POST too',
      ].sort(),
    );
  });

  it("names a port that is taken", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    expect(await failure("echo", { options: { port } })).toBe(
      `Port ${port} is taken, and the gateway needs it. Stop what uses it, or set PORT to a free port.`,
    );
    await new Promise((resolve) => blocker.close(resolve));
  });

  it("says that the app is not built when main matches no file", async () => {
    expect(await failure("not-built")).toContain(
      '("main" of package.json) matches no file. Is the app built?',
    );
  });

  it("refuses an app that loads two copies of @azure/functions", async () => {
    expect(await failure("two-copies")).toContain("Two copies of @azure/functions are loaded");
  });
});
