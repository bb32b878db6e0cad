/** That an event speaks of a line: who reported on it last, and whether a party has reported what it owes. */
import { dayNumber, dayOf } from './calendar.js';
import { qualified, type EffectiveEvent, type EventTypeDefinition, type Mention, type Named } from './event-type.js';
import { isAfter, type ContractModel, type Touched } from './model.js';
import { linesSince, noteOwnReport, reportKey } from './obligations.js';
import { inForce } from './terms-in-force.js';

/**
 * Notes an effective event that names lines, or what belongs to lines. `lastReport` goes by lines that are named
 * themselves; what a party owes is reported by naming one of the line's milestones, shipments, checks or nonconformances too.
 */
export function noteReport(
  model: ContractModel,
  definition: EventTypeDefinition,
  event: EffectiveEvent<object>,
  mentions: readonly Mention[],
): void {
  if (definition.ledgerOnly === true) return;
  const names = definition.names?.(event.data) ?? NONE;
  if (names.length === 0 && mentions.length === 0 && definition.opens === undefined) return;
  const keys = new Set<string>();
  for (const { kind, id } of names) {
    if (kind === 'line') {
      if (keys.has(id)) continue;
      keys.add(id);
      noteLine(model, event, id);
    } else if (kind === 'milestone') keys.add(reportKey(null, id));
  }
  const own = event.onBehalfOf === undefined && event.reporter === event.party;
  if (!own) return;
  const day = dayNumber(dayOf(event.recordedtime));
  for (const { kind, reference } of mentions) {
    const name = qualified(kind, reference, event.party);
    if (kind === 'shipment') noteShipment(model, name, event.party, day, keys);
    else if (kind === 'check') add(keys, model.checkLines.get(name));
    else if (kind === 'nonconformance') add(keys, model.nonconformances.get(name)?.line);
  }
  const opens = definition.opens?.(event.data);
  if (opens?.kind === 'shipment') noteShipment(model, opens.id, event.party, day, keys);
  if (keys.size > 0) noteOwnReport(model, event.party, keys, day);
}

const NONE: readonly Named[] = [];

function add(keys: Set<string>, key: string | undefined): void {
  if (key !== undefined) keys.add(key);
}

/** A shipment's lines may still grow: who named it has named those too. */
function noteShipment(model: ContractModel, name: string, party: string, day: number, keys: Set<string>): void {
  const shipment = model.shipments.get(name);
  if (shipment === undefined) return;
  const before = shipment.namedBy.get(party);
  if (before === undefined || before < day) shipment.namedBy.set(party, day);
  for (const line of shipment.lines) keys.add(line);
}

function noteLine(model: ContractModel, event: EffectiveEvent, id: string): void {
  const line = model.line(id);
  const { time, revision, recordedtime } = event;
  if (line.lastReport === undefined || isAfter(event, line.lastReport))
    line.lastReport = { time, revision, recordedtime, by: event.reporter };
  if (model.lastReport === undefined || isAfter(event, model.lastReport))
    model.lastReport = { time, revision, recordedtime };
}

/** The keys of the reports that a change of these lines and milestones bears on. */
export function reportsTouched(model: ContractModel, touched: Touched): ReadonlySet<string> {
  const { all, milestones, changed } = touched;
  const keys = new Set<string>();
  const { lines, milestones: known } = inForce(model);
  if (all) {
    for (const line of lines.keys()) keys.add(line);
    // One that has a line now may have had none.
    for (const milestone of known.keys()) keys.add(reportKey(null, milestone));
    for (const key of model.noticed.keys()) keys.add(key);
    return keys;
  }
  const ofMilestone = (id: string): void => {
    const milestone = known.get(id);
    if (milestone !== undefined) keys.add(reportKey(milestone.line, milestone.milestone));
  };
  for (const milestone of milestones) ofMilestone(milestone);
  for (const key of changed.get('report') ?? []) {
    if (key.startsWith('milestone:')) ofMilestone(key.slice('milestone:'.length));
    if (lines.has(key) || model.noticed.has(key)) keys.add(key);
  }
  // What was missed of a milestone without a line, that has been given one, is made up for by reports on that.
  for (const key of model.noticed.keys()) {
    if (linesSince(model, key).some((line) => keys.has(line))) keys.add(key);
  }
  return keys;
}
