import type { Weakening } from "../weakening.ts";

const SUBMISSION = "shared/messaging/submission.ts";
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+$/";
const test = (title: string): string => `security/splitting.test.ts > ${title}`;

/** What could end a line, a header or a message before its time. */
export const SPLITTING: readonly Weakening[] = [
  {
    name: "any text is a method, or a header's name",
    edits: [[SUBMISSION, `const TOKEN = /^${TOKEN};`, "const TOKEN = /^[^]+$/;"]],
    breaks: [
      test("the method of a submission, by %j"),
      test("the name of a submission's header, by %j"),
    ],
  },
  {
    name: "any text is a path",
    edits: [[SUBMISSION, "= /^\\/[\\x21-\\x7e]*$/;", "= /^\\/[^]*$/;"]],
    breaks: [test("the path of a submission, by %j")],
  },
  {
    name: "any text is a header's value",
    edits: [[SUBMISSION, "= /^[\\t\\x20-\\x7e\\x80-\\xff]*$/;", "= /^[^]*$/;"]],
    breaks: [test("the value of a submission's header, or its user, by %j")],
  },
  {
    name: "any text is the path of a line",
    edits: [["shared/jobs/batch-line.ts", "/^\\/(?!\\/)[\\x21-\\x7e]*$/.test(url)", 'url !== ""']],
    breaks: [test("the path of a batch's line, by %j")],
  },
  {
    name: "any text is a value of a profile's header",
    edits: [
      ["shared/identity/profile-headers.ts", "!HEADER_VALUE.test(text)", "HEADER_VALUE.global"],
    ],
    breaks: [test("the header that a profile adds, by %j")],
  },
  {
    name: "any text is a name of a profile's header",
    edits: [["shared/identity/entry-plan.ts", "!HEADER_NAME.test(field)", "HEADER_NAME.global"]],
    breaks: [test("the header that a profile adds, by %j")],
  },
  {
    name: "any text is a name of a setting's header",
    edits: [["shared/config/values.ts", `HEADER_NAME = /^${TOKEN}`, "HEADER_NAME = /^[^]*$/"]],
    breaks: [test("a header's name from the settings: %j")],
  },
  {
    name: "a job is found where the client's path says",
    edits: [
      [
        "shared/gateway/jobs/accepted-answer.ts",
        '["location", links.self],',
        '["location", `/${links.self}`],',
      ],
    ],
    breaks: [test("is no part of where its job is said to be")],
  },
  {
    name: "a message's id holds its caller's name",
    edits: [
      [
        "shared/gateway/serving/serve-queued.ts",
        "message: { messageId, body",
        "message: { messageId: `${messageId}-${admitted.caller.userId}`, body",
      ],
    ],
    breaks: [test("is in a message's body only, never among what brokers and receivers go by")],
  },
  {
    name: "a name may be a formula",
    edits: [["shared/gateway/usage/usage-csv.ts", "FORMULA.test(value) ?", "!FORMULA ?"]],
    breaks: [
      "shared/gateway/usage/read-usage.test.ts > comes as CSV, in which no name is a formula",
    ],
  },
];
