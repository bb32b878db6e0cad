/** How much of a line was shipped, received and accepted, and since when. Quantities are millionths. */
import { dayOf } from './calendar.js';
import type { EventName } from './event-type.js';
import type { DeliveryFacts } from './model.js';

/** Adds up the deliveries of a line. What it comes to in the end does not depend on their order. */
export class AcceptedQuantity {
  readonly #shipments = new Map<string | undefined, { origin: bigint; destination: bigint; revoked: bigint }>();
  #revoked = 0n;
  #sum = 0n;

  /** The accepted quantity: by shipment the larger of origin and destination, less revoked; then what was revoked of none. */
  get total(): bigint {
    return this.#sum > this.#revoked ? this.#sum - this.#revoked : 0n;
  }

  /** What was accepted, and revoked, of one shipment; `undefined` for none. */
  of(shipment: string | undefined): { origin: bigint; destination: bigint; revoked: bigint; accepted: bigint } {
    const found = this.#shipments.get(shipment) ?? { origin: 0n, destination: 0n, revoked: 0n };
    const of = shipment === undefined ? { ...found, revoked: this.#revoked } : found;
    return { ...of, accepted: standing(of) };
  }

  add({ shipment, point, quantity }: DeliveryFacts): void {
    if (point === 'revoked' && shipment === undefined) {
      this.#revoked += quantity;
      return;
    }
    let of = this.#shipments.get(shipment);
    if (of === undefined) this.#shipments.set(shipment, (of = { origin: 0n, destination: 0n, revoked: 0n }));
    const before = standing(of);
    of[point] += quantity;
    this.#sum += standing(of) - before;
  }
}

/** What one event says of one shipment and line. */
export interface CarriedEntry {
  readonly shipment: string;
  /** How much the word of its role counts; the lowest counts most. */
  readonly rank: number;
  readonly quantity: bigint;
  readonly event: Required<EventName> & { readonly revision: number };
}

/**
 * Adds up what was shipped, or received, of a line. Of each shipment one report counts: that of the role that comes first,
 * and within a role the one recorded first.
 */
export class CarriedQuantity {
  readonly entries: CarriedEntry[] = [];
  readonly #counting = new Map<string, CarriedEntry>();
  #total = 0n;

  get total(): bigint {
    return this.#total;
  }

  /** What counts of one shipment. */
  of(shipment: string): bigint {
    return this.#counting.get(shipment)?.quantity ?? 0n;
  }

  add(entry: CarriedEntry): void {
    this.entries.push(entry);
    const before = this.#counting.get(entry.shipment);
    if (before !== undefined && !countsBefore(entry, before)) return;
    this.#counting.set(entry.shipment, entry);
    this.#total += entry.quantity - (before?.quantity ?? 0n);
  }
}

const countsBefore = (a: CarriedEntry, b: CarriedEntry): boolean =>
  a.rank < b.rank || (a.rank === b.rank && a.event.revision < b.event.revision);

function standing(of: { readonly origin: bigint; readonly destination: bigint; readonly revoked: bigint }): bigint {
  const accepted = of.origin > of.destination ? of.origin : of.destination;
  return accepted > of.revoked ? accepted - of.revoked : 0n;
}

/**
 * The day from which the accepted quantity has stood at `target`, counted from the start of the contract; `undefined`
 * while it does not. A target of nothing has stood since `start`.
 * @param upTo the last day whose deliveries count; left out for all
 */
export function stoodSince(
  deliveries: readonly DeliveryFacts[],
  target: bigint,
  start: string,
  upTo?: string,
): string | undefined {
  const running = new AcceptedQuantity();
  let since = target <= 0n ? start : undefined;
  for (const delivery of deliveries) {
    const day = dayOf(delivery.time);
    if (upTo !== undefined && day > upTo) break;
    running.add(delivery);
    if (running.total < target) since = undefined;
    else since ??= day;
  }
  return since;
}
