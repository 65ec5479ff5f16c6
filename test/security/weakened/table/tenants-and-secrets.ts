import type { Weakening } from "../weakening.ts";

const READ = "shared/gateway/jobs/read-job.ts";
const SEAL = "shared/identity/credential-seal.ts";
const OPERATOR = "shared/identity/operator.ts";
const tenant = (title: string): string => `security/tenants.test.ts > ${title}`;
const key = (title: string): string => `security/keys.test.ts > ${title}`;
const secret = (title: string): string => `security/secrets.test.ts > ${title}`;
const stored = [
  secret("is in no record, message or row of a request that is %s"),
  secret("is in no record, message or row of a job, sealed or left out"),
];

/** What is one caller's and nobody else's, and what is nobody's to see. */
export const TENANTS_AND_SECRETS: readonly Weakening[] = [
  {
    name: "a job is anybody's",
    edits: [
      [
        READ,
        "if (!snapshot || !mayRead(asker, snapshot.job.owner)) {",
        "if (!snapshot || !mayRead) {",
      ],
    ],
    breaks: [tenant("answers as one that never was, whoever asks for %s")],
  },
  {
    name: "owners are compared without regard to case",
    edits: [[READ, "caller.userId === owner", "caller.userId.toLowerCase() === owner"]],
    breaks: [tenant("answers as one that never was, whoever asks for %s")],
  },
  {
    name: "a job that is another's takes longer",
    edits: [
      [
        READ,
        "const snapshot = await jobs.store.read(id);",
        "const snapshot = await jobs.store.read(id);\n  if (snapshot) await jobs.store.hasEnded(id);",
      ],
    ],
    breaks: [tenant("answers as one that never was, whoever asks for %s")],
  },
  {
    name: "a job is nobody's",
    edits: [[READ, "asker === undefined || asker.caller", "asker === undefined || !asker.caller"]],
    breaks: [tenant("is its owner's, who may ask for %s")],
  },
  {
    name: "anybody lists anybody's jobs",
    edits: [
      [
        "shared/gateway/jobs/list-jobs.ts",
        "  await requireOperator(services, asked.headers);\n",
        "",
      ],
    ],
    breaks: [tenant("is on nobody else's list, and no place on a list leads to it")],
  },
  {
    name: "a submission takes a job over",
    edits: [
      [
        "shared/gateway/jobs/accept-submission.ts",
        "if (standing && standing.job.owner !== caller.userId) throw idTaken();",
        "",
      ],
    ],
    breaks: [tenant("is not taken over by a submission of its id")],
  },
  {
    name: "idempotency keys are everybody's",
    edits: [
      [
        "shared/gateway/idempotency/idempotency-store.ts",
        "partitionKey: hash(userId),",
        'partitionKey: hash(userId && ""),',
      ],
    ],
    breaks: [tenant("is not given for the same key, body and path")],
  },
  {
    name: "anybody is told what anybody used",
    edits: [
      [
        "shared/gateway/usage/read-usage.ts",
        'if (asksForMore || query.groups.includes("backend")) await mustBeOperator();',
        "if (asksForMore) return query;",
      ],
    ],
    breaks: [tenant("is told to operators only: %s")],
  },
  {
    name: "keys are compared as long as they are alike",
    edits: [
      [
        OPERATOR,
        "timingSafeEqual(known, hashed)",
        "known.equals(hashed) || timingSafeEqual(known, known) === false",
      ],
    ],
    breaks: [key("takes the same comparisons, right or wrong, long or short: %#")],
  },
  {
    name: "keys are compared up to the right one",
    edits: [
      [OPERATOR, "const matches = accepted.filter(", "const matches = accepted.find("],
      [OPERATOR, "matches.length > 0", "matches"],
    ],
    breaks: [key("takes the same comparisons, right or wrong, long or short: %#")],
  },
  {
    name: "keys are compared by their beginnings",
    edits: [
      [
        OPERATOR,
        'createHash("sha256").update(text).digest()',
        'createHash("sha256").update(text.trim().slice(0, 9)).digest()',
      ],
    ],
    breaks: [key("is one, whole and alone")],
  },
  {
    name: "credentials are stored in clear",
    edits: [
      [
        SEAL,
        "CREDENTIAL_HEADERS.has(name.toLowerCase()) || name === TARGET",
        "CREDENTIAL_HEADERS.has(name) && name === TARGET",
      ],
    ],
    breaks: [
      ...stored,
      "shared/identity/credential-seal.test.ts > are nowhere in clear in what is stored",
    ],
  },
  {
    name: "credentials are stored in clear where there is no key",
    edits: [
      [
        SEAL,
        "if (secrets.length === 0 || !key) return { open };",
        "if (secrets.length === 0 || !key) return { open: headers.filter(([name]) => name !== TARGET) };",
      ],
    ],
    breaks: stored,
  },
  {
    name: "credentials of a query are stored in clear",
    edits: [
      [
        "shared/identity/credential-target.ts",
        "withoutParameters(target, (name) => CREDENTIAL_PARAMETERS.has(name))",
        "withoutParameters(target, (name) => CREDENTIAL_PARAMETERS.has(`no ${name}`))",
      ],
    ],
    breaks: stored,
  },
  {
    name: "every sealing has the same nonce",
    edits: [[SEAL, "randomBytes(NONCE_BYTES)", "randomBytes(NONCE_BYTES).fill(7)"]],
    breaks: [
      "shared/identity/credential-seal.test.ts > differ at every sealing, so that equal secrets do not show",
    ],
  },
  {
    name: "what is sealed opens for any request",
    edits: [
      [
        SEAL,
        "createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context))",
        'createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(""))',
      ],
      [
        SEAL,
        "    .setAAD(Buffer.from(context))\n    .setAuthTag(tag);",
        '    .setAAD(Buffer.from(""))\n    .setAuthTag(tag);',
      ],
    ],
    breaks: [
      "shared/identity/credential-seal.test.ts > open with their own key and for their own request only",
    ],
  },
  {
    name: "records have targets as they came",
    edits: [
      [
        "shared/gateway/entry/request-record.ts",
        "path: redactTarget(target)",
        "path: redactTarget && target",
      ],
    ],
    breaks: [secret("is in no record, message or row of a request that is %s")],
  },
  {
    name: "the event log has headers as they came",
    edits: [
      [
        "shared/telemetry/logged-exchange.ts",
        "redactHeaders(headers.filter(",
        "(redactHeaders && headers.filter(",
      ],
    ],
    breaks: [
      secret("is in no record, message or row of a request that is %s"),
      secret("is in no record when a backend sends it back"),
    ],
  },
  {
    name: "a name is no secret's any more",
    edits: [["shared/telemetry/secret-names.ts", '  "apikey",\n', ""]],
    breaks: [
      "shared/telemetry/redact.test.ts > %s is told by its name alone, however that is written",
    ],
  },
  {
    name: "a refusal repeats what it could not read",
    edits: [
      [
        "shared/admission/admit.ts",
        "} cannot be read as a time.`",
        "} cannot be read as a time: ${ttl}.`",
      ],
    ],
    breaks: [secret("is in no page that says why a request was refused")],
  },
  {
    name: "clients are told every detail",
    edits: [
      [
        "shared/core/problem.ts",
        "const detail = expose ? error.message : undefined;",
        "const detail = error.message;",
      ],
    ],
    breaks: [secret("of a fault of its own is not told to clients")],
  },
  {
    name: "errors name the backend",
    edits: [
      [
        "shared/gateway/calls/without-candidate.ts",
        '"No backend was able to answer the request."',
        '"backend-1 was not able to answer the request."',
      ],
    ],
    breaks: [
      secret("of a backend that fails is not told to clients, and its secrets to nobody"),
      secret("tells its owner a code, and of its backend nothing"),
    ],
  },
  {
    name: "the log has errors as they came",
    edits: [
      [
        "functions/console-sink.ts",
        "redactValue({ event, level, ...facts })",
        "redactValue && { event, level, ...facts }",
      ],
    ],
    breaks: [secret("of a backend that fails is not told to clients, and its secrets to nobody")],
  },
  {
    name: "the status shows the settings",
    edits: [
      [
        "shared/gateway/operators/read-status.ts",
        "jsonResponse(200, instanceStatus(services))",
        "jsonResponse(200, { ...instanceStatus(services), settings: services.settings })",
      ],
    ],
    breaks: [secret("of itself shows operators no key, and nobody else anything")],
  },
  {
    name: "the start repeats keys that it cannot use",
    edits: [
      [
        "shared/config/notifications.ts",
        "`${name}: expected whsec_ and",
        "`${name}: ${text}: expected whsec_ and",
      ],
    ],
    breaks: [secret("of a setting that cannot be used is not repeated: %s")],
  },
];
