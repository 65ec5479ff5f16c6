import { describe, expect, it } from "vitest";
import { readOptions } from "../../../local/replay/options.ts";
import { StartError } from "../../../local/service.ts";

describe("the command line of a replay", () => {
  it("has a default for everything", () => {
    expect(readOptions([])).toEqual({
      trace: undefined,
      speed: 60,
      limit: 500,
      mix: { stream: 0.5, queued: 0.3, async: 0.2 },
      url: "http://127.0.0.1:7071",
      seed: 1,
      model: "gpt-4o",
      showsProgress: true,
      wantsHelp: false,
    });
  });

  it("reads every option", () => {
    const text =
      "--trace a.csv --speed 0.5 --limit 3 --mix async=1 --url https://g.example/gw/ --seed 9 --model m --no-progress";
    expect(readOptions(text.split(" "))).toEqual({
      trace: "a.csv",
      speed: 0.5,
      limit: 3,
      mix: { stream: 0, queued: 0, async: 1 },
      url: "https://g.example/gw",
      seed: 9,
      model: "m",
      showsProgress: false,
      wantsHelp: false,
    });
  });

  it.each([
    ["--speed=0", "--speed must be a number above 0"],
    ["--speed=fast", 'not "fast"'],
    ["--speed=", "--speed must be a number above 0"],
    ["--limit=1.5", "--limit must be a whole number from 1"],
    ["--limit=0", "--limit must be a whole number from 1"],
    ["--seed=-1", "--seed must be a whole number from 0"],
    ["--mix=stream=2", '--mix "stream=2" cannot be used: the share of stream'],
    ["--url=ftp://x", "--url must be an http or https URL"],
    ["--url=nowhere", '--url must be an http or https URL, not "nowhere"'],
    ["--sped=3", "Usage: npm run replay"],
    ["trace.csv", "Usage: npm run replay"],
  ])("refuses %s", (argument, message) => {
    expect(() => readOptions([argument])).toThrow(StartError);
    expect(() => readOptions([argument])).toThrow(message);
  });
});
