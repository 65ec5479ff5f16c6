import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { commitBeforeAnswer } from "../../../local/storage/commit-before-answer.ts";
import { CommitLoop } from "../../../local/storage/commit-loop.ts";
import { settle } from "../../support/fake-clock.ts";

describe("the commit before an answer", () => {
  let server: Server | undefined;

  afterEach(async () => {
    await new Promise((resolve) => server?.close(resolve));
  });

  const serve = async (commit: () => boolean, listener: RequestListener): Promise<string> => {
    server = createServer(listener);
    commitBeforeAnswer(server, commit);
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };

  it.each<[string, RequestListener]>([
    ["an answer in one piece", (_, response) => response.end("done")],
    [
      "an answer in pieces",
      (_, response) => {
        response.write("do");
        response.end("ne");
      },
    ],
    [
      "headers sent ahead of the body",
      (_, response) => {
        response.flushHeaders();
        response.end("done");
      },
    ],
  ])("comes before the first byte of %s", async (_, answer) => {
    const events: string[] = [];
    const commit = (): boolean => {
      events.push("commit");
      return true;
    };
    const url = await serve(commit, (request, response) => {
      response.once("finish", () => events.push("sent"));
      answer(request, response);
    });
    expect(await (await fetch(url)).text()).toBe("done");
    expect(events[0]).toBe("commit");
    expect(events).toContain("sent");
  });

  it("cuts the answer off when the changes cannot be saved", async () => {
    const url = await serve(
      () => false,
      (_, response) => response.end("done"),
    );
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });
});

describe("the commit loop", () => {
  it("commits once at the end of a turn, however many changes it saw", async () => {
    let commits = 0;
    const loop = new CommitLoop(() => {});
    loop.drive({
      commit() {
        commits += 1;
      },
    });
    loop.noteChange();
    loop.noteChange();
    expect(commits).toBe(0);
    await settle();
    await settle();
    expect(commits).toBe(1);
  });

  it("reports a failing commit once, and says again when it fails in another way", () => {
    const lines: string[] = [];
    let problem: string | undefined = "disk full";
    const loop = new CommitLoop((line) => lines.push(line));
    loop.drive({
      commit() {
        if (problem) throw new Error(problem);
      },
    });
    expect([loop.commit(), loop.commit()]).toEqual([false, false]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("disk full");
    problem = undefined;
    expect(loop.commit()).toBe(true);
    problem = "disk full";
    expect(loop.commit()).toBe(false);
    expect(lines).toHaveLength(2);
  });

  it("answers nothing any more once it is stopped", async () => {
    let commits = 0;
    const loop = new CommitLoop(() => {});
    loop.drive({
      commit() {
        commits += 1;
      },
    });
    loop.noteChange();
    loop.stop();
    await settle();
    expect(loop.commit()).toBe(false);
    expect(commits).toBe(0);
  });
});
