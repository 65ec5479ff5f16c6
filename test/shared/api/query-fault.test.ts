import { describe, expect, it } from "vitest";
import {
  parseDeadLetterQuery,
  parseJobListQuery,
  parseUsageQuery,
} from "../../../shared/api/index.ts";

const detailOf = (parsed: { readonly ok: boolean; readonly detail?: string }) => parsed.detail;
const usage = (query: string) => detailOf(parseUsageQuery(new URLSearchParams(query), 0));
const jobs = (query: string) => detailOf(parseJobListQuery(new URLSearchParams(query)));
const letters = (query: string) => detailOf(parseDeadLetterQuery(new URLSearchParams(query)));

describe("what is wrong with a query", () => {
  const time = "expected a day, or a time with its zone, such as 2026-11-23T07:00:00Z";

  it("is told by the parameter's name, in one line, all of it", () => {
    expect(usage("from=yesterday&limit=0")).toBe(
      `from: ${time}; limit: Too small: expected number to be >=1`,
    );
    expect(usage("group=model,foo")).toMatch(/^group: Invalid option: expected one of "user"/);
    expect(jobs("state=queued,nonsense")).toMatch(
      /^state: Invalid option: expected one of "queued"/,
    );
    expect(jobs("createdAfter=today")).toMatch(/^createdAfter: expected a time with its zone/);
    expect(letters("body=perhaps")).toMatch(/^body: /);
    expect(letters("bdy=true")).toBe('Unrecognized key: "bdy"');
  });
});
