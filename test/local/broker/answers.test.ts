import { describe, expect, it } from "vitest";
import { mergeAnswers } from "../../../local/broker/amqp/answers.ts";

const refused = { condition: "amqp:resource-limit-exceeded", description: "full" };

describe("answers to neighbouring deliveries", () => {
  it("shares one disposition among neighbours that were all accepted", () => {
    const ids = [3, 4, 5, 9, 10];
    expect(mergeAnswers(ids.map((deliveryId) => ({ deliveryId, answer: "accepted" })))).toEqual([
      { first: 3, last: 5, answer: "accepted" },
      { first: 9, last: 10, answer: "accepted" },
    ]);
  });

  it("never lets one outcome stand for another", () => {
    const answers = ["accepted", refused, refused, "accepted"] as const;
    const entries = answers.map((answer, deliveryId) => ({ deliveryId, answer }));
    expect(mergeAnswers(entries)).toEqual(
      entries.map(({ deliveryId, answer }) => ({ first: deliveryId, last: deliveryId, answer })),
    );
  });
});
