import type { Weakening } from "../weakening.ts";

const MATCH = "shared/routing/match-hosts.ts";
const LINE = "shared/jobs/batch-line.ts";
const BATCH = "shared/gateway/batches/read-batch-lines.ts";
const path = (title: string): string => `security/paths.test.ts > ${title}`;
const size = (title: string): string => `security/sizes.test.ts > ${title}`;

/** Paths, ids and names that lead elsewhere, and too much of anything. */
export const PATHS_AND_SIZES: readonly Weakening[] = [
  {
    name: "dot segments go on",
    edits: [[MATCH, "if (DOT_SEGMENT.test(path)) return [];", ""]],
    breaks: [
      path("with the dot segment %s is no host's"),
      path("never leaves its host's own, whatever it is made of"),
      path("that no host has is answered so, and no backend hears of it"),
      "security/wire.test.ts > does not leave its host's base: %s",
    ],
  },
  {
    name: "dot segments are seen as they are written only",
    edits: [[MATCH, "if (DOT_SEGMENT.test(path))", "if (/\\/\\.{1,2}(?:\\/|$)/.test(path))"]],
    breaks: [path("with the dot segment %s is no host's")],
  },
  {
    name: "every dot is a dot segment",
    edits: [
      [MATCH, "if (DOT_SEGMENT.test(path))", 'if (path.includes(".") || target.includes("/../"))'],
    ],
    breaks: [path("with dots that are none of these is left alone: %s")],
  },
  {
    name: "a path is put behind nothing",
    edits: [[MATCH, '`${host.basePath}${rest.startsWith("/") ? "" : "/"}${rest}`', "rest"]],
    breaks: [path("names no host of its own: %s")],
  },
  {
    name: "a batch asks for the gateway's own paths",
    edits: [[LINE, "if (OWN_PATH.test(url))", "if (OWN_PATH.global)"]],
    breaks: [path("of the gateway's own, or of none, is no line of a batch: %s")],
  },
  {
    name: "any text is a job's id",
    edits: [
      [
        "shared/messaging/submission.ts",
        "/^(?!owner-|starting$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/",
        "/^[^]*$/",
      ],
    ],
    breaks: [path("that is a place of the gateway's, or no name, is refused: %j")],
  },
  {
    name: "idempotency keys are rows' keys as they are",
    edits: [
      [
        "shared/gateway/idempotency/idempotency-store.ts",
        'const hash = (text: string): string => createHash("sha256").update(text).digest("hex");',
        "const hash = (text: string): string => createHash && text;",
      ],
    ],
    breaks: [path("is no part of a row's key, or of a blob's name: %s")],
  },
  {
    name: "owners' names are partitions as they are",
    edits: [
      [
        "shared/gateway/jobs/job-list-rows.ts",
        '`owner-${createHash("sha256").update(owner).digest("hex")}`',
        "`owner-${createHash && owner}`",
      ],
    ],
    breaks: [path("is no part of a row's key, or of a blob's name: %s")],
  },
  {
    name: "any text is a container",
    edits: [
      [
        "shared/identity/async-access.ts",
        "CONTAINER_NAME.test(containerName)",
        "!CONTAINER_NAME.global",
      ],
    ],
    breaks: [path("is no container: %s")],
  },
  {
    name: "a deep body overflows as it is written",
    edits: [
      [
        LINE,
        "    return JSON.stringify(value);\n  } catch {\n    return undefined;",
        "    return JSON.stringify(value);\n  } catch (error) {\n    throw error;",
      ],
    ],
    breaks: [
      size("is refused as a line of a batch, with words"),
      size("is kept as text where it is the answer to a line"),
    ],
  },
  {
    name: "a deep submission overflows as it is read",
    edits: [
      [
        "shared/messaging/submission.ts",
        "if (!(cause instanceof RangeError)) throw cause;",
        "if (cause) throw cause;",
      ],
    ],
    breaks: [size("is refused as a submission, and not tried again")],
  },
  {
    name: "a wish for usage overflows",
    edits: [
      [
        "shared/usage/with-usage-wish.ts",
        "    // Nested so deeply that it can be read and not be written.\n    return undefined;",
        '    throw new Error("too deep");',
      ],
    ],
    breaks: [size("goes through where only its backend reads it")],
  },
  {
    name: "events are redacted however deep they are",
    edits: [["shared/telemetry/redact.ts", "const MAX_DEPTH = 12;", "const MAX_DEPTH = 1e9;"]],
    breaks: [size("is no change of a job, and no event")],
  },
  {
    name: "a batch has any number of bytes",
    edits: [[BATCH, "if (totalBytes > maxBytes) {", "if (totalBytes < 0) {"]],
    breaks: [size("is a batch of too many lines, or bytes, or of one endless line")],
  },
  {
    name: "a batch has any number of lines",
    edits: [[BATCH, "if (seen.size === maxLines) {", "if (seen.size === -1) {"]],
    breaks: [size("is a batch of too many lines, or bytes, or of one endless line")],
  },
  {
    name: "a line's id has any length",
    edits: [[LINE, " || customId.length > MAX_CUSTOM_ID", ""]],
    breaks: [size("is a line's id, or its path")],
  },
  {
    name: "a line's path has any length",
    edits: [[LINE, "url.length <= MAX_URL && ", ""]],
    breaks: [size("is a line's id, or its path")],
  },
  {
    name: "an idempotency key has any length",
    edits: [["shared/gateway/idempotency/serve-once.ts", "key.length > MAX_KEY_LENGTH || ", ""]],
    breaks: [size("is an idempotency key, which is refused before anything is kept")],
  },
  {
    name: "the change of a job has any length",
    edits: [
      [
        "shared/gateway/jobs/change-job.ts",
        "const MAX_PATCH_BYTES = 16_384;",
        "const MAX_PATCH_BYTES = 1e9;",
      ],
    ],
    breaks: [size("is the change of a job")],
  },
  {
    name: "a page has any length",
    edits: [["shared/api/job-query.ts", "const MAX_LIMIT = 100;", "const MAX_LIMIT = 1e10;"]],
    breaks: [size("is a page, or a span, of jobs and of what was used")],
  },
  {
    name: "an event's number has any length",
    edits: [
      [
        "shared/gateway/job-events/follow-job-events.ts",
        " && text.length <= MAX_SEQUENCE_DIGITS",
        "",
      ],
    ],
    breaks: [size("is the number of an event that a reader claims to have seen")],
  },
  {
    name: "a trace's state has any length",
    edits: [["shared/core/trace-context.ts", " && state.length <= MAX_STATE_LENGTH", ""]],
    breaks: [size("is the state of a trace, which does not go on")],
  },
  {
    name: "every name is a series of its own",
    edits: [
      [
        "shared/telemetry/known-names.ts",
        "if (!isSure || this.#names.size >= this.#limit) return OTHER;",
        "",
      ],
    ],
    breaks: [size("is the number of names that clients make up: they share one series")],
  },
  {
    name: "text for the log has any length",
    edits: [
      [
        "shared/telemetry/redact.ts",
        "text.length > MAX_TEXT_LENGTH ? text.slice(0, MAX_TEXT_LENGTH) : text",
        "text",
      ],
    ],
    breaks: [size("is text for the log, which is cut")],
  },
  {
    name: "a body's size is nobody's concern",
    edits: [
      [
        "shared/gateway/read-request-body.ts",
        "if (cause instanceof TooManyBytesError) {",
        "if (!cause) {",
      ],
    ],
    breaks: [
      "shared/gateway/handle-request.test.ts > refuses a body that is too large, and reads no further",
    ],
  },
  {
    name: "patterns try the same text from each of its places",
    edits: [
      ["shared/admission/time-to-live.ts", "(?:\\d+(?:\\.\\d*)?|", "(?:\\d+\\.?\\d*|"],
      ["shared/telemetry/secret-names.ts", "/v?(?<!\\d)\\d+$/", "/v?\\d+$/"],
    ],
    breaks: [size("costs no more than its length: %s")],
  },
  {
    name: "an answer is gone through by calls within calls",
    edits: [
      [
        "shared/usage/usage-report.ts",
        "value.filter(isFields).map(reportIn)",
        "value.map((each) => reportIn(each))",
      ],
    ],
    breaks: [size("is an answer like any other: %s")],
  },
  {
    name: "a stream ends where it cannot be compared",
    edits: [
      ["shared/backends/delivered-answer.ts", "if (error instanceof RangeError) return false;", ""],
    ],
    breaks: [size("is delivered, and compared with no other answer")],
  },
  {
    name: "texts are decoded as often as they say",
    edits: [
      [
        "shared/gateway/calls/decoded-text.ts",
        "const MAX_CODINGS = 4;",
        "const MAX_CODINGS = 400;",
      ],
    ],
    breaks: [size("is a text that was encoded again and again")],
  },
];
