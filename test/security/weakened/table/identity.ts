import type { Weakening } from "../weakening.ts";

const RECOGNISE = "shared/gateway/entry/recognise.ts";
const FILTER = "shared/gateway/forwarded-headers.ts";
const ATTEMPT = "shared/gateway/calls/attempt-headers.ts";
const test = (title: string): string => `security/forged-identity.test.ts > ${title}`;

/** What headers may say of who asks. */
export const IDENTITY: readonly Weakening[] = [
  {
    name: "headers of the client stay beside the proof's",
    edits: [
      [
        RECOGNISE,
        "const rest = withoutHeaders(headers, (name) => names.has(name));",
        'const rest = withoutHeaders(headers, (name) => names.has("") && name === "");',
      ],
    ],
    breaks: [
      test("is said by the proof, whatever other headers say"),
      test("is nobody for whoever comes in without a proof, whatever the headers say"),
    ],
  },
  {
    name: "everybody may speak for others",
    edits: [[RECOGNISE, "if (caller?.isTrusted) return headers;", "if (caller) return headers;"]],
    breaks: [test("is said for others by trusted callers only")],
  },
  {
    name: "App Service's word counts where it has none",
    edits: [
      [
        "shared/config/authentication.ts",
        'env["WEBSITE_AUTH_ENABLED"]?.toLowerCase() !== "true"',
        'env["WEBSITE_AUTH_ENABLED"] === "never"',
      ],
    ],
    breaks: [test("is believed of the platform only where that vouches for it")],
  },
  {
    name: "whoever proves nothing is let in",
    edits: [
      [
        "shared/identity/authenticate.ts",
        'if (ways.has("anonymous")) return { caller',
        "if (ways) return { caller",
      ],
    ],
    breaks: [test("is not asked of headers whose proof is missing")],
  },
  {
    name: "Connection takes away whatever it names",
    edits: [["shared/core/headers.ts", "(named.has(name) && !stays.has(name))", "named.has(name)"]],
    breaks: [
      test("takes from a request nothing that the gateway has written"),
      test("takes from a request nothing that was judged"),
    ],
  },
  {
    name: "what is written is removed where the request goes out",
    edits: [
      [
        RECOGNISE,
        "const headers = withoutConnection(validation.headers,",
        "const { headers } = validation;\n  withoutConnection(headers,",
      ],
    ],
    breaks: [test("takes from a request nothing that the gateway has written")],
  },
  {
    name: "two proofs in one header are read as one",
    edits: [
      ["shared/identity/authenticate.ts", 'if (principal?.includes(",")) throw refused();', ""],
    ],
    breaks: [test("is nothing that two proofs can say, apart or joined")],
  },
  {
    name: "words for the gateway reach the backend",
    edits: [[FILTER, 'name.startsWith("s7p") ||', ""]],
    breaks: [test("go to no backend, however they are written")],
  },
  {
    name: "the operator's key reaches the backend",
    edits: [[FILTER, "    OPERATOR_KEY_HEADER,\n", ""]],
    breaks: [test("go to no backend, however they are written")],
  },
  {
    name: "the platform's words reach the backend",
    edits: [[FILTER, 'name.startsWith("x-ms-client") ||', ""]],
    breaks: [test("go to no backend, however they are written")],
  },
  {
    name: "a client names the call",
    edits: [[ATTEMPT, "if (OWN_NAMES.has(lower) || ", "if ("]],
    breaks: [test("tell a backend which call it is, and no client can")],
  },
  {
    name: "everybody may have a receipt",
    edits: [
      [
        "shared/gateway/entry/admit-request.ts",
        "if (profile?.mayDebug === true || verified?.isOperator === true) return true;",
        "if (profile?.mayDebug !== true || verified?.isOperator === true) return true;",
      ],
    ],
    breaks: [test("show a receipt to nobody who may not see it, and none that a backend made up")],
  },
  {
    name: "a backend's receipt is passed on",
    edits: [[ATTEMPT, "[...stripped, RECEIPT]", "stripped"]],
    breaks: [test("show a receipt to nobody who may not see it, and none that a backend made up")],
  },
  {
    name: "the client's own list says what is allowed",
    edits: [
      [
        "shared/admission/validation-rules.ts",
        "      ...lists,\n    ]),\n    required",
        "    ]),\n    required",
      ],
    ],
    breaks: ["shared/admission/validate.test.ts > V14: the client's own list counts for nothing"],
  },
];
