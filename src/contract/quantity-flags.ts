/** Flags on quantities that go beyond those of their line. They are facts like any other; what they say is surprising. */
import { AcceptedQuantity, CarriedQuantity } from './delivery-arithmetic.js';
import type { EffectiveEvent } from './event-type.js';
import type { ContractModel, LineFacts } from './model.js';
import { inForce, type LineInForce } from './terms-in-force.js';

type Source = Pick<EffectiveEvent, 'revision' | 'id' | 'source'>;

interface Exceeding {
  readonly event: Source;
  readonly detail: string;
}

const moreThan = (what: string, { line, quantityData }: LineInForce): string =>
  `${what}more than the ${quantityData} of line ${line}`;

/** Flags an event that by itself states more of a line than there is: so much made, or so much checked. */
export function flagStated(
  model: ContractModel,
  { revision, id, source }: Source,
  line: string,
  quantity: bigint,
): void {
  const terms = inForce(model).lines.get(line);
  if (terms === undefined || quantity <= terms.quantity) return;
  const event = { revision, id, source };
  model.line(line).overstated.push({ event, quantity });
  model.flag('quantity-exceeds-line', event, moreThan('', terms));
}

/** Looks at lines again after they were added to. `event` is the one that added to them; of several that it exceeds the last is named. */
export function flagAdded(
  model: ContractModel,
  event: Source,
  added: ReadonlyMap<string, unknown>,
  what: 'shipped' | 'received' | 'accepted',
): void {
  const { lines } = inForce(model);
  const exceeded = [...added.keys()].flatMap((id) => {
    const terms = lines.get(id);
    return terms !== undefined && (model.lines.get(id)?.[what].total ?? 0n) > terms.quantity ? [terms] : [];
  });
  const named = exceeded.length < 2 ? exceeded[0] : [...lines.values()].findLast((line) => exceeded.includes(line));
  if (named !== undefined) model.flag('quantity-exceeds-line', event, moreThan(`${what} in all `, named));
}

/**
 * Flags anew, on the quantities in force: needed when these have changed, and when something was recorded later than what
 * happened after it. A flag stands on those events with which the line was exceeded.
 */
export function reviewQuantities(model: ContractModel): void {
  const exceeding = new Map<number, Exceeding>();
  const terms = inForce(model).lines;
  for (const line of terms.values()) {
    const facts = model.lines.get(line.line);
    if (facts !== undefined) for (const found of exceedingOf(facts, line)) exceeding.set(found.event.revision, found);
  }
  for (const facts of model.lines.values())
    for (const { revision } of eventsOf(facts))
      if (!exceeding.has(revision)) model.unflag('quantity-exceeds-line', revision);
  for (const { event, detail } of exceeding.values()) model.flag('quantity-exceeds-line', event, detail);
}

function* exceedingOf(facts: LineFacts, terms: LineInForce): Iterable<Exceeding> {
  for (const { event, quantity } of facts.overstated)
    if (quantity > terms.quantity) yield { event, detail: moreThan('', terms) };
  for (const what of ['shipped', 'received'] as const) {
    const running = new CarriedQuantity();
    for (const entry of facts[what].entries) {
      running.add(entry);
      if (running.total > terms.quantity) yield { event: entry.event, detail: moreThan(`${what} in all `, terms) };
    }
  }
  const accepted = new AcceptedQuantity();
  for (const delivery of facts.deliveries) {
    accepted.add(delivery);
    if (delivery.point !== 'revoked' && accepted.total > terms.quantity)
      yield { event: sourceOf(delivery), detail: moreThan('accepted in all ', terms) };
  }
}

function* eventsOf(facts: LineFacts): Iterable<Source> {
  for (const { event } of facts.overstated) yield event;
  for (const { event } of facts.shipped.entries) yield event;
  for (const { event } of facts.received.entries) yield event;
  for (const delivery of facts.deliveries) yield sourceOf(delivery);
}

const sourceOf = ({ revision, event }: LineFacts['deliveries'][number]): Source => ({ revision, ...event });
