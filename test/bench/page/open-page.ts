import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../support/until.ts";
import type { BareBrowser } from "./bare-browser.ts";

const READY_MS = 30_000;
const SETTLE_MS = 1500;

/** The operator's page in a browser. */
export class OpenPage {
  readonly #browser: BareBrowser;

  constructor(browser: BareBrowser) {
    this.#browser = browser;
  }

  /** Opens the page as an operator does; resolves when it shows an instance. */
  async enter(url: string, key: string): Promise<void> {
    await this.#browser.page("Page.navigate", { url: `${url}/operations` });
    const isThere = (what: string) => async () => (await this.run<boolean>(what)) || undefined;
    await until(isThere("!!document.querySelector('#proof')"), READY_MS, "The page");
    const fill = `document.querySelector('#proof').value = ${JSON.stringify(key)};`;
    await this.run(`${fill} document.querySelector('#entry').requestSubmit()`);
    const isReady = isThere("document.querySelector('#state').textContent === 'Ready'");
    await until(isReady, READY_MS, "The first status");
  }

  async setPace(perSecond: number): Promise<void> {
    const change = "pace.dispatchEvent(new Event('change'))";
    await this.run(
      `const pace = document.querySelector('#pace'); pace.value = '${perSecond}'; ${change}`,
    );
  }

  /** How often it has asked the gateway so far. */
  async updates(): Promise<number> {
    return this.run("performance.getEntriesByType('resource').length");
  }

  /** Forgets how often, and keeps count from now on however often that is. */
  async countAnew(): Promise<void> {
    await this.run(
      "performance.clearResourceTimings(); performance.setResourceTimingBufferSize(100000)",
    );
  }

  /** A picture of all of it, for people to look at. */
  async shoot(path: string, { width, isDark }: { width: number; isDark: boolean }): Promise<void> {
    const { page } = this.#browser;
    const features = [{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }];
    await page("Emulation.setEmulatedMedia", { features });
    const metrics = { width, height: 1000, deviceScaleFactor: 1, mobile: false };
    await page("Emulation.setDeviceMetricsOverride", metrics);
    await pause(SETTLE_MS);
    const options = { captureBeyondViewport: true };
    const { data } = await page<{ data: string }>("Page.captureScreenshot", options);
    await writeFile(join(path), Buffer.from(data, "base64"));
  }

  async run<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#browser.page<Evaluated<Value>>(
      "Runtime.evaluate",
      { expression: `(() => { ${asReturn(expression)} })()`, returnByValue: true },
    );
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value;
  }
}

interface Evaluated<Value> {
  readonly result: { readonly value: Value };
  readonly exceptionDetails?: { readonly text: string };
}

const asReturn = (text: string): string => (text.includes(";") ? text : `return ${text}`);
