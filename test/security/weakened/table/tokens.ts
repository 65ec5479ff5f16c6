import type { Weakening } from "../weakening.ts";

const FILE = "shared/identity/token-verifier.ts";
const CALLER = "shared/identity/verified-caller.ts";
const DOOR = "shared/identity/authenticate.ts";
const KEYS = "shared/identity/signing-keys.ts";
const EASY = "shared/identity/easy-auth.ts";
const test = (title: string): string => `security/tokens.test.ts > ${title}`;

/** What a token, or the platform's word, must prove. */
export const TOKENS: readonly Weakening[] = [
  {
    name: "signatures are not checked",
    edits: [
      [
        FILE,
        "const { payload } = await jwtVerify(token, keys.find, {",
        "const { payload } = await (async (..._: unknown[]) => ({ payload: decodeJwt(token) }))(jwtVerify, keys.find, {",
      ],
    ],
    breaks: [
      test("is refused when another key signed it, under the same name"),
      test("cannot choose its algorithm: %s"),
      test("cannot bring its own key"),
      test("is refused with a changed claim"),
    ],
  },
  {
    name: "any issuer will do",
    edits: [[FILE, "issuer: issuersOf(this.#settings.authority, tenant),", ""]],
    breaks: [test("is refused when it is one %s")],
  },
  {
    name: "a token for anybody will do",
    edits: [[FILE, "audience: [...audiences],", ""]],
    breaks: [test("is refused when it is one %s")],
  },
  {
    name: "tokens need no end",
    edits: [[FILE, 'requiredClaims: ["exp", "iat", "tid"],', ""]],
    breaks: [test("is refused when it is one %s")],
  },
  {
    name: "tokens hold for an hour more",
    edits: [[FILE, "clockTolerance: clockSkewSeconds,", "clockTolerance: 3600,"]],
    breaks: [test("holds from its first to its last second, and a minute of clock skew")],
  },
  {
    name: "tokens are remembered beyond their end",
    edits: [
      [
        FILE,
        "Math.min(expiresAt, this.#clock.now() + REMEMBERED_MS)",
        "this.#clock.now() + REMEMBERED_MS",
      ],
    ],
    breaks: [test("is not remembered beyond its end")],
  },
  {
    name: "tokens may be of any length",
    edits: [[FILE, "if (token.length > MAX_TOKEN_LENGTH) throw refused();", ""]],
    breaks: [test("is refused beside another one, and when it is too long to be one")],
  },
  {
    name: "what the library throws is thrown on",
    edits: [
      [
        FILE,
        "if (error instanceof errors.JOSEError || error instanceof TypeError)",
        "if (!errors)",
      ],
    ],
    breaks: [test("never throws anything but a refusal, whatever it is")],
  },
  {
    name: "only tokens of version 2 are known",
    edits: [
      [
        "shared/identity/issuers-of.ts",
        "`${origin}/${tenant}/v2.0`), `${first}/${tenant}/`];",
        "`${origin}/${tenant}/v2.0`), first];",
      ],
    ],
    breaks: [test("counts in version 1 too")],
  },
  {
    name: "any application may call",
    edits: [[CALLER, "if (rules.apps && !rules.apps.has(appId))", "if (!rules)"]],
    breaks: [
      test("is judged by application and roles: %s"),
      test("is judged by the same rules: one %s"),
    ],
  },
  {
    name: "any tenant may call",
    edits: [[CALLER, "|| !rules.tenants.includes(tenantId)", ""]],
    breaks: [test("is judged by the same rules: one %s")],
  },
  {
    name: "everybody is an operator",
    edits: [
      [
        CALLER,
        "const isOperator = rules.operatorRoles.some(",
        "const isOperator = !!rules || [].some(",
      ],
    ],
    breaks: [test("says who calls, and goes no further")],
  },
  {
    name: "nobody may speak for others",
    edits: [
      [
        CALLER,
        "rules.trustedCallers.has(id) || (isItself &&",
        "rules.trustedCallers.has(`${appId}${id}`) && (isItself &&",
      ],
    ],
    breaks: [test("makes operators by role, and lets trusted callers speak for others")],
  },
  {
    name: "the token goes on to the backend",
    edits: [[DOOR, "caller.isTrusted ? withoutToken(headers) : withoutProof(headers)", "headers"]],
    breaks: [test("says who calls, and goes no further")],
  },
  {
    name: "the platform's proof goes on to the backend",
    edits: [
      [
        DOOR,
        "return { caller: easyAuthCaller(principal, settings), headers: withoutProof(headers) };",
        "return { caller: easyAuthCaller(principal, settings), headers };",
      ],
    ],
    breaks: [test("is believed where the platform has it switched on")],
  },
  {
    name: "the first of two proofs counts",
    edits: [[DOOR, "if (second) throw refused();", ""]],
    breaks: [
      test("is refused beside another one, and when it is too long to be one"),
      "security/forged-identity.test.ts > is nothing that two proofs can say, apart or joined",
    ],
  },
  {
    name: "the platform's header is believed everywhere",
    edits: [
      [DOOR, 'ways.has("easy-auth") ? principalIn(headers) : undefined', "principalIn(headers)"],
    ],
    breaks: [test("counts for nothing where only tokens do")],
  },
  {
    name: "any provider of the platform's will do",
    edits: [[EASY, "principal.auth_typ !== PROVIDER", "principal.auth_typ === undefined"]],
    breaks: [test("is judged by the same rules: one %s")],
  },
  {
    name: "a refusal does not say how to do better",
    edits: [[DOOR, 'headers: [["www-authenticate", "Bearer"]],', "headers: [],"]],
    breaks: [test("is told how to")],
  },
  {
    name: "a false token is let in as nobody's",
    edits: [[DOOR, " && !TOKEN_SHAPE.test(token)", " && TOKEN_SHAPE.global === false"]],
    breaks: [
      test(
        "is let in where that is wanted, with a key for somebody else, but not with a false token",
      ),
    ],
  },
  {
    name: "each token fetches the keys",
    edits: [[KEYS, "this.#loading ??= ", "this.#loading = "]],
    breaks: [test("are fetched once for all tokens")],
  },
  {
    name: "each unknown key fetches the keys",
    edits: [[KEYS, "const COOL_DOWN_MS = 30_000;", "const COOL_DOWN_MS = 0;"]],
    breaks: [
      test("are looked for anew when a token names another, but not at every caller's wish"),
    ],
  },
  {
    name: "keys count for ever",
    edits: [[KEYS, "if (!known || age >= USABLE_FOR_MS)", "if (!known)"]],
    breaks: [test("outlive the identity service by a day, and no longer")],
  },
  {
    name: "what is no list of keys is an internal error",
    edits: [
      [
        KEYS,
        'throw new GatewayError("identity-unavailable",',
        'throw new GatewayError("internal",',
      ],
    ],
    breaks: [test("must be a list: %j")],
  },
];
