import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { eventually } from "../support/eventually.ts";
import { findChromium } from "../support/find-chromium.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

const USAGE = { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 };
const PATIENCE_MS = 30_000;

const executablePath = findChromium();

let backend: TestBackend;
let stack: TestStack;

beforeAll(async () => {
  backend = await startBackend(({ target }, response) => {
    if (target.startsWith("/hold")) return;
    if (target.startsWith("/fail")) response.writeHead(500).end("no");
    else {
      const use = { "azure-openai-deployment-utilization": "87.0%" };
      response.writeHead(200, { "content-type": "application/json", ...use });
      response.end(JSON.stringify({ model: "gpt-4o", usage: USAGE }));
    }
  });
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};mode=direct;maxConcurrency=50`,
      CBErrorThreshold: "1000",
      Workers: "4",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const ask = (path: string, user: string, headers: Record<string, string> = {}) =>
  fetch(`${stack.url}${path}`, {
    method: "POST",
    headers: { "X-UserID": user, "content-type": "application/json", ...headers },
    body: "{}",
  });

describe("the operator's page", () => {
  it("is a document that lets nothing else run in it, and holds nothing of the gateway", async () => {
    const answer = await fetch(`${stack.url}/operations`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-security-policy")).toMatch(/default-src 'none'.*script-src/);
    const html = await answer.text();
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(html).not.toContain(OPERATOR_KEY);
  });

  it("tells the receipt of a recent request to operators only", async () => {
    await ask("/v1/chat/completions", "receipts");
    const recent = async () =>
      (await stack.status()).traffic.recent.find(({ user }) => user === "receipts");
    await eventually(recent).toBeDefined();
    const path = `${stack.url}/operations/requests/${(await recent())?.requestId}`;
    expect((await fetch(path)).status).toBe(401);
    const headers = { "x-operator-key": OPERATOR_KEY };
    const receipt = await (await fetch(path, { headers })).json();
    expect(receipt).toMatchObject({ attempts: [{ backend: "Host1", status: 200 }] });
    const unknown = await fetch(`${stack.url}/operations/requests/none`, { headers });
    expect(unknown.status).toBe(404);
  });
});

describe.skipIf(executablePath === undefined)("the operator's page in a browser", () => {
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath ?? "",
      args: ["--no-sandbox", "--disable-gpu"],
    });
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      // The browser itself reports refusals, which the page shows to its reader.
      const isOwn = !message.text().includes("Failed to load resource");
      if (message.type() === "error" && isOwn) errors.push(message.text());
    });
    await page.goto(`${stack.url}/operations`);
  });
  afterAll(async () => {
    await browser?.close();
  });

  const textOf = (id: string) => page.locator(`#${id}`).innerText();

  it("asks who is there, and refuses whoever is not", async () => {
    await page.getByLabel("Operator's key or access token").fill("wrong");
    await page.keyboard.press("Enter");
    await expect
      .poll(() => textOf("trouble"), { timeout: PATIENCE_MS })
      .toContain("run the gateway");
    await page.getByLabel("Operator's key or access token").fill(OPERATOR_KEY);
    await page.keyboard.press("Enter");
    await expect.poll(() => textOf("state"), { timeout: PATIENCE_MS }).toBe("Ready");
    expect(await page.locator("#entry").isVisible()).toBe(false);
  });

  it("shows the traffic: users, requests, backends, charts", async () => {
    for (let n = 0; n < 6; n++) await ask("/v1/chat/completions", "<b>ann</b>");
    await ask("/fail", "ben");
    await expect.poll(() => textOf("users"), { timeout: PATIENCE_MS }).toContain("<b>ann</b>");
    await expect.poll(() => textOf("requests"), { timeout: PATIENCE_MS }).toContain("500");
    expect(await textOf("backends")).toMatch(/Host1\s+1\s+healthy\s+closed\s+\d+ of 50\s+87 %/);
    const throughput = page.locator("#chart-throughput");
    await expect
      .poll(() => throughput.innerText(), { timeout: PATIENCE_MS })
      .toMatch(/requests\/s [\d.]+/);
    await expect
      .poll(() => throughput.locator("path").getAttribute("d"), { timeout: PATIENCE_MS })
      .toMatch(/^M[\d.]+ [\d.]+L/);
  });

  it("shows the decision receipt of a request, by the keyboard alone", async () => {
    const receipt = page.getByRole("button", { name: /^Decision receipt of/ }).first();
    await receipt.focus();
    await page.keyboard.press("Enter");
    const text = page.getByLabel("Receipt", { exact: true });
    await expect.poll(() => text.inputValue(), { timeout: PATIENCE_MS }).toContain('"attempts"');
    await page.keyboard.press("Escape");
    await expect.poll(() => text.isVisible(), { timeout: PATIENCE_MS }).toBe(false);
    // Whoever has no mouse goes on where they were.
    const focused = "document.activeElement.getAttribute('aria-label')";
    await expect.poll(() => page.evaluate(focused), { timeout: PATIENCE_MS }).toMatch(/^Decision/);
    await page.evaluate("document.activeElement.blur()");
  });

  it("shows a user's jobs, and cancels one", async () => {
    const made = await ask("/hold", "ann", { S7PAsyncMode: "true" });
    expect(made.status).toBe(202);
    const { id } = (await made.json()) as { id: string };
    await page.getByLabel("Jobs of the user").fill("ann");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("button", { name: `Cancel the job ${id}` }).click();
    await expect.poll(() => textOf("jobs"), { timeout: PATIENCE_MS }).toContain("cancelled");
    expect(await textOf("told")).toContain(id);
  });

  it("can be read in the dark and in the light, and on a small screen", async () => {
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const before = await ground();
    await page.getByRole("button", { name: "Dark or light" }).click();
    expect(await ground()).not.toBe(before);
    await page.setViewportSize({ width: 400, height: 800 });
    const overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    expect(await page.evaluate(overflow)).toBe(false);
  });

  it("names everything that can be used, and breaks nothing on the way", async () => {
    const nameless = await page.evaluate(
      "[...document.querySelectorAll('button,input,select,textarea')].filter((each) =>" +
        " !each.labels?.length && !each.getAttribute('aria-label') && !each.textContent.trim()).length",
    );
    expect(nameless).toBe(0);
    expect(errors).toEqual([]);
  });
});
