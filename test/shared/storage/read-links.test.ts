import type { BlobServiceClient } from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { MAX_LINK_LIFE_MS, ReadLinks } from "../../../shared/storage/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BLOB = { container: "files", name: "job-1" };

/** A blob service that only gives delegation keys. */
function fakeService({ suffix = "core.windows.net", isAway = false } = {}) {
  const asked: { startsOn: Date; expiresOn: Date }[] = [];
  const url = `https://account.blob.${suffix}/`;
  const service = {
    url,
    accountName: "account",
    getContainerClient: (container: string) => ({
      getBlobClient: (name: string) => ({ url: `${url}${container}/${name}` }),
    }),
    getUserDelegationKey: async (startsOn: Date, expiresOn: Date) => {
      if (state.isAway) throw new Error("no right to sign");
      asked.push({ startsOn, expiresOn });
      return {
        signedObjectId: "oid",
        signedTenantId: "tid",
        signedStartsOn: startsOn,
        signedExpiresOn: expiresOn,
        signedService: "b",
        signedVersion: "2024-08-04",
        value: Buffer.from(`key ${asked.length}`).toString("base64"),
      };
    },
  };
  const state = { asked, isAway, open: async () => service as unknown as BlobServiceClient };
  return state;
}

const linksOf = (service: ReturnType<typeof fakeService>, clock: FakeClock): ReadLinks =>
  new ReadLinks({ open: service.open, signWith: "identity", clock });

const timesOf = (link: string, clock: FakeClock): { fromMs: number; forMs: number } => {
  const { searchParams } = new URL(link);
  const at = (name: string): number => Date.parse(searchParams.get(name) ?? "") - clock.now();
  return { fromMs: at("st"), forMs: at("se") };
};

describe("a signed link", () => {
  it("reads one blob, over https, for its time, and begins a little earlier for clocks that differ", async () => {
    const [clock, service] = [new FakeClock(), fakeService()];
    const link = await linksOf(service, clock).signed(BLOB, HOUR_MS);
    const { searchParams, origin, pathname } = new URL(link);
    expect(origin + pathname).toBe("https://account.blob.core.windows.net/files/job-1");
    expect(Object.fromEntries(searchParams)).toMatchObject({
      sp: "r",
      sr: "b",
      spr: "https",
      skoid: "oid",
    });
    expect(timesOf(link, clock)).toEqual({ fromMs: -300_000, forMs: HOUR_MS });
  });

  it("has the account's own address, whatever cloud it is in", async () => {
    const service = fakeService({ suffix: "core.chinacloudapi.cn" });
    const link = await linksOf(service, new FakeClock()).signed(BLOB, HOUR_MS);
    expect(new URL(link).host).toBe("account.blob.core.chinacloudapi.cn");
  });

  it("never outlives the key that signs it, which lives seven days at most", async () => {
    const [clock, service] = [new FakeClock(), fakeService()];
    const link = await linksOf(service, clock).signed(BLOB, 30 * DAY_MS);
    expect(timesOf(link, clock).forMs).toBe(MAX_LINK_LIFE_MS);
    const [{ startsOn, expiresOn } = { startsOn: new Date(), expiresOn: new Date() }] =
      service.asked;
    expect(expiresOn.getTime() - startsOn.getTime()).toBeLessThanOrEqual(7 * DAY_MS);
    expect(expiresOn.getTime()).toBeGreaterThanOrEqual(clock.now() + MAX_LINK_LIFE_MS);
  });

  it("costs a key once, and another when a link would outlive that", async () => {
    const [clock, service] = [new FakeClock(), fakeService()];
    const links = linksOf(service, clock);
    await Promise.all([links.signed(BLOB, HOUR_MS), links.signed(BLOB, HOUR_MS)]);
    for (let day = 0; day < 6; day++) {
      await clock.advance(DAY_MS);
      await links.signed(BLOB, HOUR_MS);
    }
    expect(service.asked).toHaveLength(1);
    await clock.advance(DAY_MS);
    const link = await links.signed(BLOB, HOUR_MS);
    expect(service.asked).toHaveLength(2);
    expect(timesOf(link, clock).forMs).toBe(HOUR_MS);
  });

  it("is asked for again after a failure, which nobody keeps", async () => {
    const service = fakeService({ isAway: true });
    const links = linksOf(service, new FakeClock());
    await expect(links.signed(BLOB, HOUR_MS)).rejects.toMatchObject({
      code: "storage-unavailable",
    });
    service.isAway = false;
    expect(await links.signed(BLOB, HOUR_MS)).toContain("sig=");
  });
});
