import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A browser with one page, driven by nothing but the commands that are sent: what watches a page costs it. */
export interface BareBrowser extends AsyncDisposable {
  /** Sends a command of the DevTools protocol to the page. */
  page<Result>(method: string, params?: object): Promise<Result>;
  /** Sends one to the browser. */
  whole<Result>(method: string, params?: object): Promise<Result>;
}

const LISTENING = /^DevTools listening on (ws:\/\/\S+)$/m;

/** Starts a browser without a window. */
export async function startBareBrowser(executablePath: string): Promise<BareBrowser> {
  const folder = mkdtempSync(join(tmpdir(), "bare-browser-"));
  const flags = ["--headless", "--no-sandbox", "--remote-debugging-port=0", "--no-first-run"];
  const args = [...flags, "--window-size=1400,1000", `--user-data-dir=${folder}`, "about:blank"];
  const child = spawn(executablePath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const [, found] = LISTENING.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(`The browser ended:\n${text}`)));
  });
  const whole = await connect(url);
  const targets = (await (await fetch(`http://${new URL(url).host}/json`)).json()) as Target[];
  const page = await connect(targets.find(({ type }) => type === "page")?.webSocketDebuggerUrl);
  return {
    page: page.send,
    whole: whole.send,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Target {
  readonly type: string;
  readonly webSocketDebuggerUrl: string;
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

async function connect(url: string | undefined) {
  if (url === undefined) throw new Error("The browser has no page.");
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  socket.addEventListener("message", ({ data }) => {
    const { id = 0, result, error } = JSON.parse(String(data)) as Reply;
    if (error) waiting.get(id)?.reject(new Error(error.message));
    else waiting.get(id)?.resolve(result);
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  let last = 0;
  return {
    send<Result>(method: string, params: object = {}): Promise<Result> {
      last += 1;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(last, answer);
      socket.send(JSON.stringify({ id: last, method, params }));
      return answer.promise as Promise<Result>;
    },
  };
}
