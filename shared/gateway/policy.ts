import { compileValidationRules, type ValidationRules } from "../admission/index.ts";
import type { Settings } from "../config/index.ts";
import type { HeaderList } from "../core/headers.ts";
import { LiveSnapshot, type SnapshotStatus } from "../documents/index.ts";
import {
  createIdentitySnapshot,
  type IdentityDocuments,
  type IdentitySnapshot,
  identifyCaller,
  type ProfileDirectory,
} from "../identity/index.ts";
import type { Weights } from "../scheduling/index.ts";
import type { Emit } from "../telemetry/index.ts";
import { createRequestHeaderFilter } from "./forwarded-headers.ts";
import type { PolicyDocuments } from "./policy-documents.ts";

/** All that decides about a request, at one moment; held for as long as the request is. */
export interface PolicySnapshot {
  readonly settings: Settings;
  readonly identity: IdentitySnapshot;
  readonly rules: ValidationRules;
  readonly requestHeaders: (headers: HeaderList) => HeaderList;
}

/** The policy in force. Scope: per instance. */
export interface Policy {
  /** Resolves when every document has had its first load. Free after the first time. */
  start(): Promise<void>;
  /** Whether {@link current} has something to give. */
  readonly isAvailable: boolean;
  /** Throws `policy-unavailable` while a document that decides has never been loaded. */
  current(): PolicySnapshot;
  /** Loads every document now. */
  refresh(): Promise<void>;
  status(): SnapshotStatus;
}

type Parts = IdentityDocuments & { readonly settings?: Settings };

export interface CreatePolicyOptions {
  readonly settings: Settings;
  readonly documents: PolicyDocuments;
  readonly emit: Emit;
  /** Told the weights of fair share whenever profiles come into force. */
  readonly onWeights: (weights: Weights) => void;
  /** Told the settings whenever others come into force. */
  readonly onSettings: (settings: Settings) => void;
}

/** The policy of settings and documents; without documents it never changes. */
export function createPolicy(options: CreatePolicyOptions): Policy {
  const { settings, documents, emit, onWeights, onSettings } = options;
  let inForce = settings;
  const compose = (parts: Parts): PolicySnapshot => {
    const snapshot = snapshotOf(parts.settings ?? settings, parts);
    if (parts.profiles) onWeights(weightsOf(parts.profiles));
    if (snapshot.settings !== inForce) {
      inForce = snapshot.settings;
      onSettings(inForce);
    }
    return snapshot;
  };
  if (Object.keys(documents).length === 0) return constantPolicy(compose({}));
  // The documents that are absent are absent among the parts too, which the type cannot say.
  return new LiveSnapshot<Parts, PolicySnapshot>({ documents: documents as never, compose, emit });
}

/** A profile weighs as a user and, where it is in no group, as the group that it is to its users. */
function weightsOf(profiles: ProfileDirectory): Weights {
  const users = new Map<string, number>();
  for (const { id, weight } of profiles.all()) if (weight !== 1) users.set(id, weight);
  return { users, groups: users };
}

function constantPolicy(snapshot: PolicySnapshot): Policy {
  const done = Promise.resolve();
  return {
    start: () => done,
    isAvailable: true,
    current: () => snapshot,
    refresh: () => done,
    status: () => ({ documents: [], lastError: undefined }),
  };
}

function snapshotOf(settings: Settings, documents: IdentityDocuments): PolicySnapshot {
  const { policy, userHeaders } = settings;
  return Object.freeze({
    settings,
    identity: createIdentitySnapshot(documents),
    requestHeaders: createRequestHeaderFilter(settings),
    rules: compileValidationRules({
      validateAppId: policy.validateAppId,
      appIdHeader: policy.appIdHeader,
      useProfiles: policy.useProfiles,
      profileHeader: policy.profileHeader,
      profileRequired: policy.profileRequired,
      disallowedHeaders: policy.disallowedHeaders,
      requiredHeaders: policy.requiredHeaders,
      allowRules: policy.allowRules,
      identify: (headers) => identifyCaller(headers, userHeaders),
    }),
  });
}
