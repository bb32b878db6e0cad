/** Results of items as they are answered: `{id, status, revision, position, problem}`, written without objects between. */
import type { BrokenOff, ItemResult } from '../commands/recorder.js';
import { problemBody, type Problem } from './problem.js';

/** What became of one item. `failed` with a problem: something other than the append went wrong. */
export type ItemOutcome =
  Exclude<ItemResult, BrokenOff> | { readonly status: 'refused' | 'failed'; readonly problem: Problem };

/** Texts that JSON writes as they are. */
const PLAIN = /^[\w .:@/+-]*$/;

/**
 * @param id as sent; `undefined` where none could be read
 * @param line number of the line it stood on, counted from 1; only in answers to NDJSON
 */
export function resultJson(id: string | undefined, outcome: ItemOutcome, line?: number): string {
  const at = line === undefined ? '' : `"line":${line},`;
  const name = id === undefined ? 'null' : PLAIN.test(id) ? `"${id}"` : JSON.stringify(id);
  if ('revision' in outcome)
    return `{${at}"id":${name},"status":"${outcome.status}","revision":"${outcome.revision}","position":"${outcome.position}","problem":null}`;
  return `{${at}"id":${name},"status":"${outcome.status}","revision":null,"position":null,"problem":${JSON.stringify(problemOfOutcome(outcome))}}`;
}

function problemOfOutcome(outcome: Exclude<ItemOutcome, { readonly revision: bigint }>) {
  if ('problem' in outcome) {
    const { code, detail, errors, extra } = outcome.problem;
    return problemBody(code, detail, errors, extra);
  }
  if (outcome.status === 'refused') {
    const { code, detail, problems } = outcome.refusal;
    return problemBody(code, detail, problems);
  }
  return problemBody(outcome.code, outcome.detail, []);
}

/** How many items came out how, and the highest position among them. */
export class Tally {
  recorded = 0;
  duplicate = 0;
  refused = 0;
  failed = 0;
  position: bigint | undefined;

  add(outcome: ItemOutcome): void {
    this[outcome.status] += 1;
    if ('position' in outcome && (this.position === undefined || outcome.position > this.position))
      this.position = outcome.position;
  }

  /** The status of an answer to a batch: 207 where the items differ in more than being new or known. */
  get httpStatus(): 200 | 201 | 207 | 422 | 503 {
    const bad = this.refused + this.failed;
    if (bad === 0) return this.recorded > 0 ? 201 : 200;
    if (this.recorded + this.duplicate > 0) return 207;
    if (this.failed === 0) return 422;
    return this.refused === 0 ? 503 : 207;
  }
}
