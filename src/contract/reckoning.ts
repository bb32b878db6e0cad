/**
 * Reports and deadlines that were missed, reckoned a day at a time in recorded order: on what was recorded before a day it
 * is seen what was due the day before. What was missed stays missed until the ledger has noticed it, whatever comes later.
 *
 * It holds no facts of the contract; they are asked for where a day ends ({@link DayEnd}).
 */
import { dayFromNumber } from './calendar.js';

/** At most so many misses in a row, and so many levels, are noticed: silence for longer says nothing new. */
export const MOST_IN_A_ROW = 100;

/** Of what a report is owed: a line, or a milestone that names none. */
export interface Owing {
  /** The line's id, or `milestone:ID`. */
  readonly key: string;
  readonly line: string | null;
  readonly milestone: string | null;
  /** Who owes it. */
  readonly party: string;
}

/** A delay of which a step is still to be done. */
export interface OpenStep {
  /** `PARTY/ID`. */
  readonly delay: string;
  readonly step: 'acknowledge' | 'resolve';
  /** Recorded day of the report, in days since 1970-01-01. */
  readonly from: number;
}

export interface Periods {
  readonly reportEveryDays: number;
  readonly acknowledgeWithinDays: number;
  readonly resolveWithinDays: number;
}

/** What holds at the end of a recorded day. */
export interface DayEnd {
  owing(): readonly Owing[];
  openSteps(): readonly OpenStep[];
  periods(): Periods;
  /** Recorded day of the party's last own report; `undefined` for none. */
  lastReport(owing: Owing): number | undefined;
}

/** What the ledger is to notice: an event of its own with this id, at the start of `day`. */
export interface Missed {
  readonly id: string;
  readonly type: 'ReportOverdue' | 'DelayEscalated';
  /** In days since 1970-01-01: the day after what was due. */
  readonly day: number;
  readonly data: object;
}

export interface Owed extends Owing {
  /** The recorded day on which the party came to owe. */
  readonly since: number;
  /** What the chain of due days counts from. */
  base: number;
  /** The next due day after those that have been looked at. */
  due: number;
  missed: number;
}

/** A reckoning as plain data, from which it can go on. */
export interface ReckoningData {
  readonly day: number;
  readonly owed: readonly Readonly<Owed>[];
  readonly steps: readonly OpenStep[];
  readonly periods: readonly { readonly from: number; readonly periods: Periods }[];
  readonly missed: readonly Missed[];
}

export class Reckoning {
  /** The recorded day whose events are being taken in; -1 before the first. Every day before it has ended. */
  #day = -1;
  /** Who owes reports at the end of the last day that has ended. */
  #owed = new Map<string, Owed>();
  #steps: readonly OpenStep[] = [];
  /** Periods in force at the end of recorded days, each from the first such day on. */
  readonly #periods: { readonly from: number; readonly periods: Periods }[] = [];
  readonly #missed = new Map<string, Missed>();

  /** Goes on from what {@link toData} gave. */
  static from({ day, owed, steps, periods, missed }: ReckoningData): Reckoning {
    const reckoning = new Reckoning();
    reckoning.#day = day;
    for (const one of owed) reckoning.#owed.set(`${one.party}\n${one.key}`, { ...one });
    reckoning.#steps = steps;
    reckoning.#periods.push(...periods);
    for (const one of missed) reckoning.#miss(one);
    return reckoning;
  }

  toData(): ReckoningData {
    const [owed, missed] = [[...this.#owed.values()], [...this.#missed.values()]];
    return { day: this.#day, owed, steps: this.#steps, periods: this.#periods, missed };
  }

  /** Missed and not noticed yet, by event id. */
  get missed(): ReadonlyMap<string, Missed> {
    return this.#missed;
  }

  /** The day whose events are being taken in, in days since 1970-01-01. */
  get day(): number {
    return this.#day;
  }

  /** Since when a party has owed a report at the end of the last day that has ended. */
  since({ key, party }: Owing): number | undefined {
    return this.#owed.get(`${party}\n${key}`)?.since;
  }

  /** The periods in force at the end of a recorded day; those of the first day for days before it. */
  periodsOn(day: number): Periods | undefined {
    return (this.#periods.findLast(({ from }) => from <= day) ?? this.#periods[0])?.periods;
  }

  /** The ledger has recorded that it noticed something. */
  notice(id: string): void {
    this.#missed.delete(id);
  }

  /**
   * Ends the days before `day`: to be called before the first event of a recorded day is taken in, and to see what was
   * missed up to a day on which nothing was recorded.
   * @param facts `undefined` while there is no contract, of which nothing is owed
   */
  advance(day: number, facts: DayEnd | undefined): void {
    if (day <= this.#day) return;
    if (this.#day !== -1 && facts !== undefined) {
      this.#endDay(facts);
      for (const owed of this.#owed.values()) this.#lookForReports(owed, day);
      for (const step of this.#steps) this.#lookForSteps(step, day);
    }
    this.#day = day;
  }

  #endDay(facts: DayEnd): void {
    const [day, periods] = [this.#day, facts.periods()];
    const last = this.#periods.at(-1)?.periods;
    if (last === undefined || !samePeriods(last, periods)) this.#periods.push({ from: day, periods });
    this.#steps = facts.openSteps();
    const owed = new Map<string, Owed>();
    for (const owing of facts.owing()) {
      const key = `${owing.party}\n${owing.key}`;
      const before = this.#owed.get(key);
      const since = before?.since ?? day;
      const base = Math.max(since, facts.lastReport(owing) ?? since);
      if (before !== undefined && before.base === base) owed.set(key, before);
      else owed.set(key, { ...owing, since, base, due: this.#after(base), missed: 0 });
    }
    this.#owed = owed;
  }

  #after(day: number): number {
    return day + (this.periodsOn(day)?.reportEveryDays ?? Number.POSITIVE_INFINITY);
  }

  /** Due days from the day that has ended to the one before `day` were missed; earlier ones were looked at in their time. */
  #lookForReports(owed: Owed, day: number): void {
    const { key, line, milestone, party } = owed;
    while (owed.due < day && owed.missed < MOST_IN_A_ROW) {
      if (owed.due >= this.#day) {
        owed.missed += 1;
        const dueOn = dayFromNumber(owed.due);
        this.#miss({
          id: `overdue/${party}/${key}/${dueOn}`,
          type: 'ReportOverdue',
          day: owed.due + 1,
          data: { party, ...(line === null ? { milestone } : { line }), dueOn },
        });
      }
      owed.due = this.#after(owed.due);
    }
  }

  #lookForSteps({ delay, step, from }: OpenStep, day: number): void {
    const periods = this.periodsOn(from);
    if (periods === undefined) return;
    const period = step === 'acknowledge' ? periods.acknowledgeWithinDays : periods.resolveWithinDays;
    const first = Math.max(1, Math.ceil((this.#day - from) / period));
    for (let level = first; level <= MOST_IN_A_ROW && from + level * period < day; level += 1)
      this.#miss({
        id: `escalated/${delay}/${step}/${level}`,
        type: 'DelayEscalated',
        day: from + level * period + 1,
        data: { delay, step, overdueSince: dayFromNumber(from + period), level },
      });
  }

  #miss(missed: Missed): void {
    this.#missed.set(missed.id, missed);
  }
}

const samePeriods = (a: Periods, b: Periods): boolean =>
  a.reportEveryDays === b.reportEveryDays &&
  a.acknowledgeWithinDays === b.acknowledgeWithinDays &&
  a.resolveWithinDays === b.resolveWithinDays;

/** The start of the day on which something is noticed: the `time` of the ledger's event. */
export const noticedAt = ({ day }: Missed): string => `${dayFromNumber(day)}T00:00:00Z`;
