import type { PriorityClass } from "../core/domain.ts";
import type { Band, Caller } from "./band.ts";
import type { DrainMeter } from "./drain-meter.ts";
import { mayStart, type SlotPool, usableSlots } from "./slot-pool.ts";

/** Everything that a forecast looks at. */
export interface Outlook {
  readonly pool: SlotPool<Band>;
  readonly meter: DrainMeter;
  readonly nowMs: number;
  /** The class's N of one of N grants. */
  every(priority: PriorityClass): number;
}

/** A request that asks how long it would wait. */
export interface WouldBe extends Caller {
  readonly priority: PriorityClass;
}

/**
 * How many requests are served before this one and itself: 0 when it starts at once. Approximate: by
 * weight inside the band, after all that is more urgent or by the trickle, whichever is sooner.
 */
export function forecastPosition(outlook: Outlook, request: WouldBe): number {
  const { pool, every } = outlook;
  if (mayStart(pool, request.priority)) return 0;
  const inBand = aheadInBand(pool, request) + 1;
  const urgent = moreUrgent(pool, request.priority).reduce((sum, band) => sum + band.waiting, 0);
  return urgent === 0 ? inBand : Math.min(urgent + inBand, inBand * every(request.priority));
}

/**
 * How long this request would wait, or undefined while nothing has been measured. The grants before it
 * times the measured interval, stretched by the slots that are kept from its class and by what
 * more urgent work arrives meanwhile; the trickle bounds it.
 */
export function forecastWaitMs(outlook: Outlook, request: WouldBe): number | undefined {
  const { pool, meter, nowMs, every } = outlook;
  const { priority } = request;
  if (mayStart(pool, priority)) return 0;
  const measuredMs = meter.intervalMs(nowMs);
  if (measuredMs === undefined) return undefined;
  const usable = Math.max(1, usableSlots(pool, priority));
  const intervalMs = (measuredMs * Math.max(1, pool.capacity)) / usable;
  const inBand = aheadInBand(pool, request) + 1;
  const urgent = moreUrgent(pool, priority);
  const work = urgent.reduce(
    (sum, band) => sum + band.waiting * meter.relativeService(band.priority),
    inBand * meter.relativeService(priority),
  );
  const trickleShare = 1 / every(priority);
  const share = Math.max(trickleShare, 1 - urgentShare(outlook, { urgent, measuredMs }));
  const inTurnMs = (work * intervalMs) / share;
  if (urgent.length === 0) return inTurnMs;
  return Math.min(inTurnMs, (inBand * intervalMs) / trickleShare);
}

function aheadInBand({ classes }: SlotPool<Band>, request: WouldBe): number {
  return classes.find(({ priority }) => priority === request.priority)?.ahead(request) ?? 0;
}

function moreUrgent({ classes }: SlotPool<Band>, than: PriorityClass): Band[] {
  return classes.filter(({ priority }) => priority < than);
}

/** The part of the grants that goes to more urgent requests which come meanwhile. */
function urgentShare(
  { meter, nowMs }: Outlook,
  { urgent, measuredMs }: { urgent: readonly Band[]; measuredMs: number },
): number {
  return urgent.reduce((sum, { priority }) => {
    const arrivals = meter.arrivalsIn(measuredMs, priority, nowMs);
    return sum + arrivals * meter.relativeService(priority);
  }, 0);
}
