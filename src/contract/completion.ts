/**
 * From which day a milestone, or all that is to be delivered, is complete: from which it has been, by what was asked for on each day.
 * What an agreement makes complete by asking less is complete from the day of that agreement: the days before it stay days on which
 * more was owed. What was complete before, and is by what is asked now, stays complete from then.
 */
import { dayFromNumber, dayNumber } from './calendar.js';
import { stoodSince } from './delivery-arithmetic.js';
import { compareStands, type ContractModel, type ReachedFacts } from './model.js';
import { inForce, onDay, type Ask, type From, type LineAsked, type MilestoneInForce } from './terms-in-force.js';

/**
 * The day a milestone was reached; `undefined` while it is not. A cancelled one keeps what was asked for when it was cancelled, and
 * stands still: nothing delivered or claimed since bears on it.
 */
export const reachedSince = (model: ContractModel, milestone: MilestoneInForce): string | undefined =>
  completeSince(
    model,
    milestone.asked,
    milestone.stood ?? [...inForce(model).lines.values()],
    milestone.cancelledOn,
    reachedOn(model, milestone),
  );

/** All lines, each in its quantity, but those that are cancelled. */
const ALL_LINES: readonly From<Ask>[] = [{ day: '', value: { kind: 'delivery', line: null, quantity: undefined } }];

/** The day from which every line's quantity has stood accepted; `undefined` while it has not. */
export const allDeliveredSince = (model: ContractModel): string | undefined =>
  completeSince(model, ALL_LINES, [...inForce(model).lines.values()], undefined, undefined);

/**
 * @param until the last day whose agreements and deliveries count
 * @param reached the day on which it was reached, where that is not for deliveries to show
 */
function completeSince(
  model: ContractModel,
  asked: readonly From<Ask>[],
  lines: readonly LineAsked[],
  until: string | undefined,
  reached: string | undefined,
): string | undefined {
  const days = daysOfChanges(asked, lines, until);
  const since = (at: number): string | undefined => {
    const upTo = days[at + 1] ?? until;
    const ask = onDay(asked, days[at]!)!;
    if (ask.kind === 'delivery') {
      const before =
        days[at + 1] === undefined ? undefined : deliveredSince(model, lines, ask, days[at]!, dayBefore(days[at + 1]!));
      // On the day of a change it is enough to have been complete when the day began, whatever was turned back in it.
      return before ?? deliveredSince(model, lines, ask, days[at]!, upTo);
    }
    return reached !== undefined && upTo !== undefined && reached > upTo ? undefined : reached;
  };
  const last = days.length - 1;
  const now = since(last);
  if (now === undefined || now > days[last]!) return now;
  // Back through what was asked before, as long as that had been complete all the time.
  for (let at = last - 1; at >= 0; at -= 1) {
    const before = since(at);
    if (before === undefined) return later(now, days[at + 1]!);
    if (before > days[at]! || at === 0) return later(now, before);
  }
  return now;
}

const dayBefore = (day: string): string => dayFromNumber(dayNumber(day) - 1);

const later = (a: string, b: string): string => (a > b ? a : b);

/** The days from which something else was asked for; first of all the day from which anything was. */
function daysOfChanges(
  asked: readonly From<Ask>[],
  lines: readonly LineAsked[],
  until: string | undefined,
): readonly string[] {
  const first = asked[0]!.day;
  const days = new Set(asked.map(({ day }) => day));
  const all = asked.some(({ value }) => value.kind === 'delivery' && value.line === null);
  for (const { line, quantities, cancelledOn } of lines) {
    if (!all && !asked.some(({ value }) => value.kind === 'delivery' && value.line === line)) continue;
    for (const { day } of quantities) days.add(day);
    if (cancelledOn !== undefined) days.add(cancelledOn);
  }
  return [...days].filter((day) => day >= first && (until === undefined || day <= until || day === first)).sort();
}

/**
 * The day from which what was asked for on a day has stood accepted, counted from the start of the contract.
 * @param upTo the last day whose deliveries count
 */
function deliveredSince(
  model: ContractModel,
  lines: readonly LineAsked[],
  ask: Ask,
  day: string,
  upTo: string | undefined,
): string | undefined {
  const start = model.registration?.signedOn ?? '';
  let latest: string | undefined;
  for (const { line, quantities, cancelledOn } of lines) {
    const isCancelled = cancelledOn !== undefined && cancelledOn <= day;
    if (ask.line === null ? isCancelled : ask.line !== line) continue;
    // Of a cancelled line its milestones keep the quantity that it had.
    const most = onDay(quantities, isCancelled ? cancelledOn : day);
    // All lines: it was introduced later. Of that line alone there was nothing to accept.
    if (most === undefined && ask.line === null) continue;
    if (most === undefined) return undefined;
    const facts = model.lines.get(line);
    const target = ask.quantity ?? most;
    // What goes beyond the line's quantity is not counted.
    if (target > most) return undefined;
    if (upTo === undefined && (facts?.accepted.total ?? 0n) < target) return undefined;
    const since = stoodSince(facts?.deliveries ?? [], target, start, upTo);
    if (since === undefined) return undefined;
    if (latest === undefined || since > latest) latest = since;
  }
  return latest;
}

/**
 * The `on` of the word that counts of those that a milestone was reached. Where it is deliveries that count now, only what was said
 * before it was agreed that they do: what is claimed since changes nothing.
 */
function reachedOn(model: ContractModel, milestone: MilestoneInForce): string | undefined {
  const { kind, kindAgreedAt, cancelledAt = Number.POSITIVE_INFINITY } = milestone;
  const before = kind === 'delivery' ? Math.min(kindAgreedAt, cancelledAt) : cancelledAt;
  const effective = model.milestones.get(milestone.milestone)?.reached ?? [];
  const reached = before === Number.POSITIVE_INFINITY ? effective : saidBefore(model, milestone.milestone, before);
  const isOfBuyer = ({ buyer }: ReachedFacts): boolean => buyer;
  const isOfResponsible = ({ party, isOut }: ReachedFacts): boolean => party === milestone.responsible && !isOut;
  // What either said itself is put aside by nothing that others record in a name.
  const own = reached.filter(({ secondHand }) => !secondHand);
  const last =
    own.findLast(isOfBuyer) ??
    own.findLast(isOfResponsible) ??
    reached.findLast(isOfBuyer) ??
    reached.findLast(isOfResponsible) ??
    reached.findLast(({ isOut }) => !isOut) ??
    reached.at(-1);
  return last?.on;
}

/** What had been claimed of a milestone before a revision, as corrections recorded before it left it. */
function saidBefore(model: ContractModel, milestone: string, before: number): readonly ReachedFacts[] {
  const effective = model.milestones.get(milestone)?.reached ?? [];
  const found = effective.filter(({ revision }) => revision < before && !model.correctedClaims.has(revision));
  for (const claim of model.correctedClaims.values()) {
    const said = model.stated.get(claim.revision)?.claimed.findLast(({ revision }) => revision < before);
    if (said?.milestone === milestone) found.push({ ...claim, on: said.on });
  }
  return found.sort(compareStands);
}
