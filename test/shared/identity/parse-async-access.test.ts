import { describe, expect, it } from "vitest";
import { parseAsyncAccess } from "../../../shared/identity/index.ts";

const usable = "enabled=true, containername=user-1, topic=status/1";

describe("an async-config text", () => {
  it("gives container and topic, with the original's defaults for the rest", () => {
    expect(parseAsyncAccess(usable)).toEqual({
      access: {
        enabled: true,
        containerName: "user-1",
        topic: "status/1",
        timeoutSeconds: 3600,
        generateSas: false,
      },
      warnings: [],
    });
  });

  it("reads names in any case, blanks around anything, and the optional fields", () => {
    const text = " Enabled = TRUE ,ContainerName=abc,TOPIC = t, timeout=60, generateSAS=True,";
    expect(parseAsyncAccess(text).access).toMatchObject({ timeoutSeconds: 60, generateSas: true });
  });

  it("gives no jobs where it is not enabled, however complete the rest is", () => {
    for (const text of ["", "enabled=false", "enabled=1, containername=abc, topic=t", "topic=t"]) {
      expect(parseAsyncAccess(text)).toEqual({ access: { enabled: false }, warnings: [] });
    }
  });

  it("gives no jobs, and says why, where container or topic cannot be used", () => {
    const containers = ["ab", "Upper", "-abc", "abc-", "a--b", "a_b", "a".repeat(64), ""];
    for (const name of containers) {
      expect(parseAsyncAccess(`enabled=true, containername=${name}, topic=t`)).toEqual({
        access: { enabled: false },
        warnings: ["containername is missing or not valid"],
      });
    }
    for (const name of [".t", "t.", "-t", "t-", "/t", "t/", "a b", "t".repeat(261), ""]) {
      expect(parseAsyncAccess(`enabled=true, containername=abc, topic=${name}`)).toEqual({
        access: { enabled: false },
        warnings: ["topic is missing or not valid"],
      });
    }
  });

  it("falls back to the default of a wrong optional field, and says so", () => {
    for (const timeout of ["soon", "0", "-5", "1e3", "99999999999"]) {
      expect(parseAsyncAccess(`${usable}, timeout=${timeout}`)).toMatchObject({
        access: { enabled: true, timeoutSeconds: 3600 },
        warnings: ["timeout is not a number of seconds; 3600 is used"],
      });
    }
    expect(parseAsyncAccess(`${usable}, generateSAS=perhaps`)).toMatchObject({
      access: { enabled: true, generateSas: false },
      warnings: ["generateSAS is neither true nor false; false is used"],
    });
  });
});
