import { describe, expect, it } from "vitest";
import { sampleOf } from "../../../functions/operations-page/history.ts";
import type { DeadLetter, Job, Status } from "../../../functions/operations-page/status-types.ts";
import type { JobView } from "../../../shared/api/index.ts";
import type { DeadLetterView } from "../../../shared/gateway/dead-letters/dead-letter-view.ts";
import { handleRequest } from "../../../shared/gateway/index.ts";
import {
  briefStatus,
  type InstanceStatus,
  instanceStatus,
} from "../../../shared/gateway/operators/instance-status.ts";
import { createGateway, requestTo } from "../../support/gateway.ts";
import { textOf } from "../../support/streams.ts";

type Optional<Value> = {
  [Name in keyof Value]: undefined extends Value[Name] ? Name : never;
}[keyof Value];

/** A value as it is told in JSON: what is undefined is not there. */
type Told<Value> = Value extends readonly (infer Item)[]
  ? readonly Told<Item>[]
  : Value extends object
    ? { readonly [Name in Exclude<keyof Value, Optional<Value>>]: Told<Value[Name]> } & {
        readonly [Name in Optional<Value> & keyof Value]?: Told<Exclude<Value[Name], undefined>>;
      }
    : Value;

// The page may know nothing of the gateway, so it has words of its own: this does not compile where they differ.
const asThePageReads = {
  status: (told: Told<InstanceStatus>): Status => told,
  brief: (told: Told<ReturnType<typeof briefStatus>>): Status => told,
  job: (told: Told<JobView>): Job => told,
  deadLetter: (told: Told<DeadLetterView>): DeadLetter => told,
};

const told = <Value>(value: Value): Told<Value> => JSON.parse(JSON.stringify(value));

describe("what the page reads of the gateway", () => {
  it("is what the gateway tells, in full and in brief", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    const { services, backends } = gateway;
    const before = asThePageReads.brief(told(briefStatus(services)));
    backends.answer(200, "answer");
    const { body } = await handleRequest(services, requestTo(gateway), undefined);
    expect(await textOf(body)).toBe("answer");
    const after = asThePageReads.status(told(instanceStatus(services)));
    expect(sampleOf(after, before)).toMatchObject({ slots: 10, running: 0 });
  });
});
