import { host, staticClasses } from "./dotnet-values.ts";
import { evaluateExpression } from "./evaluate-expression.ts";
import { parseExpression } from "./parse-expression.ts";
import { expressionIn, type PolicyElement, readPolicy } from "./read-policy.ts";

export interface PolicyRequest {
  /** GET where there is none. */
  readonly method?: string;
  readonly url: string;
  readonly headers: Record<string, string>;
}

export interface PolicyResponse {
  status: number;
  headers: Record<string, string>;
  body?: string;
}

/** What a backend does with a call: an answer, or none within the time it is given. */
export type Backend = (call: PolicyRequest) => PolicyResponse | "timeout";

export interface PolicyWorld {
  readonly namedValues: Readonly<Record<string, string>>;
  readonly backend: Backend;
  /** The cache of the gateway, by key. */
  readonly cache: Map<string, string>;
  readonly now: () => number;
  /** Calls that run elsewhere, by the key of their `limit-concurrency`. */
  readonly running?: ReadonlyMap<string, number>;
  /** The claims of the caller's token; without them the caller has none. */
  readonly claims?: Readonly<Record<string, string>>;
  readonly apiPath?: string;
}

/** What came of a request: the answer, and the calls that were made for it. */
export interface PolicyRun {
  readonly response: PolicyResponse;
  readonly calls: readonly (PolicyRequest & { readonly timeoutSeconds: number })[];
}

class Returned extends Error {
  readonly response: PolicyResponse;

  constructor(response: PolicyResponse) {
    super("return-response");
    this.response = response;
  }
}

class PolicyFailure extends Error {
  readonly source: string;
  readonly reason: string;
  readonly status: number;

  constructor(source: string, reason: string, status: number) {
    super(`${source}: ${reason}`);
    this.source = source;
    this.reason = reason;
    this.status = status;
  }
}

let requests = 0;

/** Runs a policy document for one request, as API Management would. */
export function runPolicy(path: string, world: PolicyWorld, request: PolicyRequest): PolicyRun {
  return new Run(world, request).all(readPolicy(path, world.namedValues));
}

/** Scope: one request. */
class Run {
  readonly #world: PolicyWorld;
  readonly #request: PolicyRequest;
  readonly #variables = new Map<string, unknown>();
  readonly #calls: (PolicyRequest & { timeoutSeconds: number })[] = [];
  readonly #id = `request-${++requests}`;
  #response: PolicyResponse | undefined;
  #failure: PolicyFailure | undefined;
  #baseUrl = "";

  constructor(world: PolicyWorld, request: PolicyRequest) {
    this.#world = world;
    this.#request = { ...request, headers: { ...request.headers } };
  }

  all(policies: PolicyElement): PolicyRun {
    return { response: this.#outcome(policies), calls: this.#calls };
  }

  #outcome(policies: PolicyElement): PolicyResponse {
    const section = (name: string) => policies.children.find((child) => child.name === name);
    try {
      try {
        for (const name of ["inbound", "backend", "outbound"]) this.#steps(section(name));
      } catch (error) {
        if (!(error instanceof PolicyFailure)) throw error;
        this.#failure = error;
        this.#response = { status: error.status, headers: {} };
        this.#steps(section("on-error"));
      }
    } catch (error) {
      if (error instanceof Returned) return error.response;
      throw error;
    }
    return this.#response ?? { status: 500, headers: {} };
  }

  #steps(parent: PolicyElement | undefined): void {
    for (const step of parent?.children ?? []) this.#step(step);
  }

  #step(step: PolicyElement): void {
    const run = this.#policies[step.name];
    if (!run) throw new Error(`Not in the subset: <${step.name}>`);
    run(step);
  }

  readonly #policies: Readonly<Record<string, (step: PolicyElement) => void>> = {
    base: () => {},
    "llm-emit-token-metric": () => {},
    "include-fragment": ({ attributes }) => {
      const file = attributes["fragment-id"]?.replace(/^gateway-/, "");
      this.#steps(readPolicy(`fragments/${file}.xml`, this.#world.namedValues));
    },
    "set-variable": ({ attributes }) => {
      this.#variables.set(attributes["name"] ?? "", this.#value(attributes["value"] ?? ""));
    },
    "set-header": (step) => this.#setHeader(step, this.#response?.headers ?? this.#request.headers),
    "set-backend-service": ({ attributes }) => {
      this.#baseUrl = String(this.#value(attributes["base-url"] ?? ""));
    },
    choose: ({ children }) => {
      this.#steps(
        children.find(
          ({ name, attributes }) =>
            name === "otherwise" || this.#value(attributes["condition"] ?? "") === true,
        ),
      );
    },
    retry: (step) => {
      const count = Number(step.attributes["count"]);
      for (let retries = 0; ; retries++) {
        this.#steps(step);
        if (retries >= count || this.#value(step.attributes["condition"] ?? "") !== true) return;
      }
    },
    "limit-concurrency": (step) => {
      const key = String(this.#value(step.attributes["key"] ?? ""));
      const others = this.#world.running?.get(key) ?? 0;
      if (others >= Number(step.attributes["max-count"])) {
        throw new PolicyFailure("limit-concurrency", "ConcurrencyLimitExceeded", 429);
      }
      this.#steps(step);
    },
    "forward-request": ({ attributes }) => {
      const { pathname, search } = new URL(this.#request.url);
      const prefix = this.#world.apiPath ? `/${this.#world.apiPath}` : "";
      if (!pathname.startsWith(prefix)) throw new Error(`${pathname} is not of this API.`);
      const url = `${this.#baseUrl}${pathname.slice(prefix.length)}${search}`;
      const answer = this.#call(url, attributes["timeout"] ?? "300");
      if (answer === "timeout") throw new PolicyFailure("forward-request", "Timeout", 500);
      this.#response = answer;
    },
    "send-request": (step) => {
      const url = step.children.find(({ name }) => name === "set-url")?.text ?? "";
      const headers = { ...this.#request.headers };
      for (const child of step.children) {
        if (child.name === "set-header") this.#setHeader(child, headers);
      }
      const answer = this.#call(
        String(this.#value(url)),
        step.attributes["timeout"] ?? "60",
        headers,
      );
      const name = step.attributes["response-variable-name"] ?? "";
      this.#variables.set(name, answer === "timeout" ? null : answer);
    },
    "return-response": (step) => this.#return(step),
    "cache-lookup-value": ({ attributes }) => {
      const kept = this.#world.cache.get(attributes["key"] ?? "") ?? attributes["default-value"];
      this.#variables.set(attributes["variable-name"] ?? "", kept);
    },
    "cache-store-value": ({ attributes }) => {
      const value = String(this.#value(attributes["value"] ?? ""));
      this.#world.cache.set(attributes["key"] ?? "", value);
    },
    "validate-azure-ad-token": ({ attributes }) => {
      const { claims } = this.#world;
      if (!claims) throw new PolicyFailure("validate-azure-ad-token", "TokenNotPresent", 401);
      this.#variables.set(
        attributes["output-token-variable-name"] ?? "",
        host({ Claims: dictionary(claims) }),
      );
    },
    "authentication-managed-identity": ({ attributes }) => {
      const name = attributes["output-token-variable-name"] ?? "";
      this.#variables.set(name, `token for ${attributes["resource"]}`);
    },
  };

  #call(url: string, timeout: string, headers = this.#request.headers): PolicyResponse | "timeout" {
    const call = { url, headers: { ...headers } };
    this.#calls.push({ ...call, timeoutSeconds: Number(this.#value(timeout)) });
    const answer = this.#world.backend(call);
    return answer === "timeout" ? answer : { ...answer, headers: { ...answer.headers } };
  }

  #setHeader({ attributes, children }: PolicyElement, headers: Record<string, string>): void {
    const name = attributes["name"] ?? "";
    const isDeleted = attributes["exists-action"] === "delete";
    const value = isDeleted ? "" : String(this.#value(children[0]?.text ?? ""));
    for (const known of Object.keys(headers)) {
      if (known.toLowerCase() === name.toLowerCase()) delete headers[known];
    }
    if (!isDeleted) headers[name] = value;
  }

  #return({ attributes, children }: PolicyElement): never {
    const kept = this.#variables.get(attributes["response-variable-name"] ?? "");
    const from = (kept ?? { status: 200, headers: {} }) as PolicyResponse;
    const response: PolicyResponse = { ...from, headers: { ...from.headers } };
    for (const child of children) {
      if (child.name === "set-status") response.status = Number(child.attributes["code"]);
      if (child.name === "set-header") this.#setHeader(child, response.headers);
      if (child.name === "set-body") response.body = child.text;
    }
    throw new Returned(response);
  }

  #value(text: string): unknown {
    const expression = expressionIn(text);
    if (expression === undefined) return text;
    const scope = { ...staticClasses(this.#world.now), context: this.#context() };
    return evaluateExpression(parseExpression(expression), scope);
  }

  #context() {
    const { method = "GET", url, headers } = this.#request;
    const original = new URL(url);
    return host({
      RequestId: this.#id,
      Api: host({ Path: this.#world.apiPath ?? "" }),
      Request: host({
        Method: method,
        Headers: dictionary(headers),
        // The operation's template is /async/{*path}.
        MatchedParameters: dictionary({
          path: original.pathname.replace(/^.*?\/async\//, ""),
        }),
        OriginalUrl: host({
          Scheme: original.protocol.replace(":", ""),
          Host: original.host,
          Path: original.pathname,
          QueryString: original.search,
        }),
      }),
      ...(this.#response ? { Response: responseHost(this.#response) } : {}),
      ...(this.#failure
        ? { LastError: host({ Source: this.#failure.source, Reason: this.#failure.reason }) }
        : {}),
      Variables: host(
        { ContainsKey: (name: unknown) => this.#variables.has(String(name)) },
        (name) => {
          if (!this.#variables.has(name)) throw new Error(`No variable ${name}.`);
          const value = this.#variables.get(name);
          return isResponse(value) ? responseHost(value) : value;
        },
      ),
    });
  }
}

const isResponse = (value: unknown): value is PolicyResponse =>
  typeof value === "object" && value !== null && "status" in value && "headers" in value;

const responseHost = ({ status, headers }: PolicyResponse) =>
  host({ StatusCode: BigInt(status), Headers: dictionary(headers) });

function dictionary(entries: Readonly<Record<string, string>>) {
  return host({
    GetValueOrDefault: (name: unknown, fallback: unknown) => {
      const wanted = String(name).toLowerCase();
      const found = Object.entries(entries).find(([key]) => key.toLowerCase() === wanted);
      return found?.[1] ?? fallback;
    },
  });
}
