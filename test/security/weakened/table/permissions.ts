import type { Weakening } from "../weakening.ts";

const CALLER = "shared/identity/verified-caller.ts";
const token = (title: string): string => `security/delegated-tokens.test.ts > ${title}`;
const tenant = (title: string): string => `security/tenants.test.ts > ${title}`;

/** What a caller who is let in may have: classes, paths, another's name. */
export const PERMISSIONS: readonly Weakening[] = [
  {
    name: "a job's owner chooses its class",
    edits: [
      ["shared/gateway/jobs/change-job.ts", "if (asker && priority <", "if (!asker && priority <"],
    ],
    breaks: [tenant("is changed for no better one whose key its owner does not show")],
  },
  {
    name: "operators need a class's key",
    edits: [
      [
        "shared/gateway/jobs/read-job.ts",
        'if (services.operators(asked.headers) === "operator") return undefined;',
        "",
      ],
    ],
    breaks: [tenant("is changed for any by operators")],
  },
  {
    name: "lines of a batch ask for any path",
    edits: [
      ["shared/gateway/batches/read-batch-lines.ts", "if (fault !== undefined)", "if (!faultOf)"],
    ],
    breaks: ["security/paths.test.ts > that a profile does not list is no line of a batch: %s"],
  },
  {
    name: "users of a trusted application speak for others",
    edits: [[CALLER, "(isItself && rules.trustedCallers", "(rules.trustedCallers"]],
    breaks: [token("lets nobody speak for others, whatever application it is")],
  },
  {
    name: "a scope makes operators",
    edits: [
      [
        CALLER,
        "rules.operatorRoles.some((role) => roles.includes(role))",
        "rules.operatorRoles.some((role) => [...roles, ...scopes].includes(role))",
      ],
    ],
    breaks: [token("makes no operator by what the user has agreed to")],
  },
  {
    name: "a backend speaks of the gateway's own calls",
    edits: [
      ["shared/gateway/forwarded-headers.ts", "NOT_BACKENDS.has(name)", "name === SERVER_HEADER"],
    ],
    breaks: [
      "security/forged-identity.test.ts > show a receipt to nobody who may not see it, and none that a backend made up",
    ],
  },
];
