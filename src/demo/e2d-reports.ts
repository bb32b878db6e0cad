/**
 * What the prime of `JP-D-E2D-SUPPORT` itself reports of each line, about twice a year as the terms want it, and where it
 * falls silent: from April 2022 to May 2024 it says nothing, while dates move and its subcontractor reports 90 percent. Of spares and publications it is silent once more
 * when the demo ends.
 */
import { STORY_CAST } from './e2d-plan.js';
import type { Tell } from './telling.js';

type State = readonly [stage: string, percent: number, units: number];

const TEST: readonly (readonly [day: string, ...State])[] = [
  ['2017-09-14', 'material on order', 0, 0],
  ['2018-02-15', 'material on order', 5, 0],
  ['2018-07-12', 'parts made', 20, 0],
  ['2018-12-13', 'assembly', 28, 1],
  ['2019-05-16', 'assembly', 35, 2],
  ['2019-10-17', 'assembly', 38, 3],
  ['2020-03-12', 'assembly', 45, 4],
  ['2020-08-13', 'system test', 50, 5],
  ['2021-01-14', 'system test', 52, 6],
  ['2021-06-17', 'system test', 54, 6],
  ['2021-11-18', 'system test', 58, 6],
  ['2022-04-21', 'system test', 62, 7],
  ['2024-06-13', 'system test', 73, 8],
  ['2024-11-14', 'system test', 75, 9],
  ['2025-04-17', 'system test', 78, 9],
  ['2025-09-18', 'system test', 78, 9],
];

/** After this report spares and publications are not heard of again. */
const SILENT_ON_THE_REST = '2025-04-17';

/** Tow bars until they are delivered. */
const TOW: readonly State[] = [
  ['not begun', 0, 0],
  ['not begun', 0, 0],
  ['not begun', 0, 0],
  ['parts made', 30, 0],
  ['assembly', 60, 10],
  ['assembly', 90, 20],
];

export function statusReports(told: Tell): void {
  const { prime } = STORY_CAST;
  for (const [at, [day, ...test]] of TEST.entries()) {
    const report = (line: string, [stage, percent, unitsCompleted]: State) =>
      told(prime, day, 0, 'ManufacturingProgressed', { line, stage, percent, unitsCompleted }, { routine: true });
    report('TEST', test);
    const tow = TOW[at];
    if (tow !== undefined) report('TOW', tow);
    // In the end it speaks of the test sets alone.
    if (day > SILENT_ON_THE_REST) continue;
    report('SPARES', [at < 8 ? 'not begun' : 'material on order', at < 8 ? 0 : at - 5, 0]);
    report('DATA', ['documents drafted', Math.min(60, at * 5), 0]);
  }
}
