import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../shared/core/clock.ts";
import { type CountTask, TokenCounter } from "../../../shared/tokens/index.ts";

const task = (change: Partial<CountTask> = {}): CountTask => ({
  encoding: "o200k_base",
  body: undefined,
  text: "Hello world",
  ...change,
});

function createCounter(): TokenCounter {
  const counter = new TokenCounter(systemClock);
  onTestFinished(() => counter.close());
  return counter;
}

const bodyOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe("TokenCounter", () => {
  it("counts what was said and what was asked as the provider does, messages and all", async () => {
    const counter = createCounter();
    const messages = [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content: [{ type: "text", text: "Hello world" }] },
    ];
    const chat = await counter.count(task({ body: bodyOf({ model: "gpt-4o", messages }) }));
    // Three for each message and three for the answer's beginning, one for each role, six and two.
    expect(chat).toEqual({ inputTokens: 2 * 3 + 3 + 2 + 6 + 2, outputTokens: 2 });
    const plain = await counter.count(task({ body: bodyOf({ prompt: "Hello world" }) }));
    expect(plain?.inputTokens).toBe(2);
    const none = await counter.count(task({ body: Buffer.from("no JSON") }));
    expect(none).toEqual({ inputTokens: undefined, outputTokens: 2 });
  });

  it("counts by the encoding that is asked for, and control tokens as text", async () => {
    const counter = createCounter();
    const text = "<|endoftext|> Привет, мир";
    const [newer, older] = [
      await counter.count(task({ text })),
      await counter.count(task({ text, encoding: "cl100k_base" })),
    ];
    expect(newer?.outputTokens).toBeGreaterThan(5);
    expect(older?.outputTokens).toBeGreaterThan(newer?.outputTokens ?? 0);
  });

  it("never holds up the thread that serves, whatever it is to count", async () => {
    const counter = createCounter();
    await counter.count(task());
    const counting = counter.count(task({ text: "a".repeat(100_000) }));
    // Turns of this thread's loop, while the other one counts.
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 1);
    expect((await counting)?.outputTokens).toBeGreaterThan(1000);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
  });

  it("takes so many texts and no more, and counts those that it drops", async () => {
    const counter = createCounter();
    const counting = Array.from({ length: 1005 }, () => counter.count(task()));
    expect(counter.waiting).toBe(1000);
    const counts = await Promise.all(counting);
    expect(counts.filter((count) => count === undefined)).toHaveLength(5);
    expect(counts[999]).toEqual({ inputTokens: undefined, outputTokens: 2 });
    expect(counter.dropped).toBe(5);
  });

  it("gives each text its own count, those too that are long or come meanwhile", async () => {
    const counter = createCounter();
    const words = (count: number): CountTask => task({ text: "word ".repeat(count).trim() });
    const lengths = [1, 60_000, 2, 70_000, ...Array.from({ length: 200 }, (_, n) => n + 3)];
    const first = lengths.map((length) => counter.count(words(length)));
    await first[0];
    const more = counter.count(words(7));
    const counts = await Promise.all([...first, more]);
    expect(counts.map((count) => count?.outputTokens)).toEqual([...lengths, 7]);
    expect(counter.waiting).toBe(0);
  });

  it("leaves nobody waiting when it is closed", async () => {
    const counter = new TokenCounter(systemClock);
    const counting = [counter.count(task()), counter.count(task())];
    await counter.close();
    expect(await Promise.all(counting)).toEqual([undefined, undefined]);
    expect(await counter.count(task())).toBeUndefined();
  });
});
