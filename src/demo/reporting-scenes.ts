/**
 * What a contract's responsible party says of each line from time to time, so that the ledger does not notice its silence;
 * and now and then the silence. A subcontractor's reports are no reports of the prime.
 */
import { addDays, daysBetween } from '../contract/calendar.js';
import type { Course } from './plan.js';
import type { PayloadOf } from './payloads.js';
import { DEMO_LAST_DAY } from './script.js';

type State = Omit<PayloadOf['ManufacturingProgressed'], 'line'>;

/** How far a line is by the word of whoever spoke of it last. */
function stateOn(course: Course, line: string, day: string): State {
  let [last, state]: [string, State] = ['', { stage: 'not begun', percent: 0, unitsCompleted: 0 }];
  for (const { type, event } of course.script.sent) {
    if (type !== 'ManufacturingProgressed' && type !== 'ManufacturingCompleted') continue;
    if (event.time < last || event.time.slice(0, 10) > day) continue;
    const data = event.data as PayloadOf['ManufacturingProgressed'] & PayloadOf['ManufacturingCompleted'];
    if (data.line !== line) continue;
    last = event.time;
    state =
      type === 'ManufacturingCompleted'
        ? { stage: 'packing', percent: 100, unitsCompleted: data.quantity }
        : { stage: data.stage, percent: data.percent, unitsCompleted: data.unitsCompleted };
  }
  return state;
}

/** The day on which the last milestone of a line but payments was said to be reached; `undefined` while one is open. */
function doneOn({ plan, script }: Course, line: string): string | undefined {
  let done = '';
  for (const { milestone } of plan.milestones.filter((terms) => terms.line === line)) {
    const on = script.sent.find(
      ({ type, event }) =>
        type === 'MilestoneReached' && (event.data as PayloadOf['MilestoneReached']).milestone === milestone,
    )?.day;
    if (on === undefined) return undefined;
    if (on > done) done = on;
  }
  return done;
}

/** From one day to another the party says nothing. */
export interface Silence {
  readonly from: string;
  readonly until: string;
}

/** The party responsible reports on all open lines a little before each report is due, but in its silence. */
export function keepReporting(course: Course, silence?: Silence): void {
  const { plan, random, script, cast } = course;
  const by = plan.registered.includes('prime') ? cast.prime : cast.seller;
  const first = script.sent[0]?.day;
  if (first === undefined) return;
  const period = plan.terms.reportEveryDays;
  // One in twelve comes too late.
  const next = (day: string) =>
    addDays(day, random.chance(8) ? period + random.int(5, 40) : period - random.int(8, 25));
  for (let day = next(first); day < DEMO_LAST_DAY; day = next(day)) {
    if (silence !== undefined && day >= silence.from && day <= silence.until) continue;
    for (const { line } of plan.lines) {
      const done = doneOn(course, line);
      if (done !== undefined && done < day) continue;
      script.send('ManufacturingProgressed', { by, on: day, routine: true }, { line, ...stateFor(course, line, day) });
    }
  }
}

/** Support is made by nobody; it is drafted, a little more each year. */
function stateFor(course: Course, line: string, day: string): State {
  if (line !== 'SUPPORT') return stateOn(course, line, day);
  const years = Math.floor(daysBetween(course.plan.signedOn, day) / 365);
  return { stage: 'documents drafted', percent: Math.min(85, years * 7), unitsCompleted: 0 };
}
