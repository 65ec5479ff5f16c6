import type { Weakening } from "../weakening.ts";

const LOCK = "package-lock.json";
const FILTER = "shared/gateway/forwarded-headers.ts";
const JOSE = '"node_modules/jose": {';
const dependency = (title: string): string => `security/dependencies.test.ts > ${title}`;
const wire = (title: string): string => `security/wire.test.ts > ${title}`;

/** What the bundle is made of, and what only bytes on a wire can show. */
export const DEPENDENCIES_AND_WIRE: readonly Weakening[] = [
  {
    name: "a dependency is asked for in any later version",
    edits: [["package.json", '"undici": "8.', '"undici": "^8.']],
    breaks: [dependency("that is asked for is asked for in one version")],
  },
  {
    name: "a dependency is locked without a digest",
    edits: [[LOCK, JOSE, `"node_modules/jose-copy": { "version": "1.0.0" },\n${JOSE}`]],
    breaks: [dependency("is pinned with the digest of what it holds")],
  },
  {
    name: "a dependency comes from a repository",
    edits: [[LOCK, JOSE, `${JOSE} "resolved": "git+ssh://git@host.test/jose.git",`]],
    breaks: [dependency("comes from a registry, over https")],
  },
  {
    name: "a dependency runs a script when it is installed",
    edits: [[LOCK, JOSE, `${JOSE} "hasInstallScript": true,`]],
    breaks: [dependency("runs no script when it is installed, but for those that are known")],
  },
  {
    name: "a library is there twice",
    edits: [
      [LOCK, JOSE, `"node_modules/jose/node_modules/undici": { "version": "1.0.0" },\n${JOSE}`],
    ],
    breaks: [dependency("is there once where two would not know each other: %s")],
  },
  {
    name: "the server takes what two readers could end in two places",
    edits: [
      [
        "local/host/http/public-server.ts",
        "joinDuplicateHeaders: true,",
        "insecureHTTPParser: true,",
      ],
    ],
    breaks: [wire("is refused: %s")],
  },
  {
    name: "chunks are spoken of where there are none",
    edits: [["shared/core/headers.ts", '  "transfer-encoding",\n', ""]],
    breaks: [
      wire(
        "that is chunked goes to the backend with one length, and nothing that speaks of chunks",
      ),
    ],
  },
  {
    name: "the client says who the backend is",
    edits: [[FILTER, '["host", "content-length", "expect"]', '["content-length", "expect"]']],
    breaks: [wire("names its own host, and none that it asks for")],
  },
  {
    name: "everybody is an operator, by whatever key",
    edits: [
      [
        "shared/gateway/operators/require-operator.ts",
        'if (standing === "operator") return;',
        "if (standing) return;",
      ],
    ],
    breaks: [wire("leads nobody without a key to what operators see: %s")],
  },
  {
    name: "the platform's own paths need no key",
    edits: [
      [
        "local/host/http/http-front.ts",
        'isAuthorized(this.#options.keys, { authLevel: "admin" }, request)',
        "request !== undefined",
      ],
    ],
    breaks: [wire("leads nobody without a key to what operators see: %s")],
  },
  {
    name: "a question to storage is put together as it comes",
    edits: [["shared/storage/table.ts", 'text.replaceAll("\'", "\'\'")', "text"]],
    breaks: [wire("is no part of a question to storage")],
  },
  {
    name: "the server takes any head",
    edits: [
      [
        "local/host/http/public-server.ts",
        "const MAX_HEADER_BYTES = 32_768;",
        "const MAX_HEADER_BYTES = 1_048_576;",
      ],
    ],
    breaks: [wire("is a head, or a line of it, beyond what the platform takes")],
  },
  {
    name: "the host's own headers reach the backend",
    edits: [
      ["functions/http-connections.ts", "HOST_HEADERS.has(name)", "HOST_HEADERS.has(`no ${name}`)"],
    ],
    breaks: [wire("makes no other call's connection its own")],
  },
];
