import type { Reservations } from "../config/index.ts";

/**
 * The reservations that a smaller capacity can still keep: the most urgent classes' first, and always
 * one slot for everyone.
 */
export function fitReservations(reservations: Reservations, capacity: number): Reservations {
  let left = Math.max(0, capacity - 1);
  const byUrgency = [...reservations].sort(([a], [b]) => a - b);
  return new Map(
    byUrgency.map(([priority, count]) => {
      const kept = Math.min(count, left);
      left -= kept;
      return [priority, kept];
    }),
  );
}
