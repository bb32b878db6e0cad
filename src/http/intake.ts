/** From events as they were sent to what became of them: checked one by one, recorded with one command a contract. */
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { checkEvent, isRefusal, type IncomingEvent } from '../commands/envelope.js';
import { RecordEvents } from '../commands/record-events.js';
import type { ItemResult, RecordOptions, RecordOutcome } from '../commands/recorder.js';
import { definitionOf } from '../contract/contract.js';
import { LEDGER, refuseField, type Refusal } from '../contract/event-type.js';
import { PARTS, type HttpParts } from './ports.js';
import { Problem, problemOf } from './problem.js';
import { unexpected } from './problem-filter.js';
import type { ItemOutcome } from './results.js';

export type Checked = IncomingEvent | Refusal;

/**
 * As `checkEvent`, and what is the ledger's own to report is refused: neither its name nor its types are anybody's to
 * send.
 */
export function checkSent(sent: unknown, contract: string | undefined): Checked {
  const checked = checkEvent(sent, contract);
  if (isRefusal(checked)) return checked;
  const { reporter, type } = checked.proposed;
  if (reporter === LEDGER) return refuseField('not-permitted', '/source', `nobody reports as the ${LEDGER} but itself`);
  if (definitionOf(type)?.ledgerOnly === true)
    return refuseField('not-permitted', '/type', `${type} is reported by the ledger alone`);
  return checked;
}

/** The id to name in a result; `undefined` where there is none that may be repeated. */
export function sentId(sent: unknown): string | undefined {
  if (typeof sent !== 'object' || sent === null || !('id' in sent)) return undefined;
  return typeof sent.id === 'string' && sent.id.length <= 512 ? sent.id : undefined;
}

/** The events of one contract among those sent together, and where they stood. */
interface Share {
  readonly events: IncomingEvent[];
  readonly places: number[];
}

/** A {@link RecordOutcome} whose items can be answered. */
export type Recorded =
  | Extract<RecordOutcome, { readonly kind: 'precondition-failed' }>
  | { readonly kind: 'itemised'; readonly results: readonly ItemOutcome[]; readonly revision: bigint };

@Injectable()
export class Intake {
  readonly #commands: CommandBus;
  readonly #parts: HttpParts;

  constructor(@Inject(CommandBus) commands: CommandBus, @Inject(PARTS) parts: HttpParts) {
    this.#commands = commands;
    this.#parts = parts;
  }

  /** @throws EvidenceError, ContractError, EventStoreError, see `Recorder.record` */
  async execute(contract: string, events: readonly IncomingEvent[], options?: RecordOptions): Promise<Recorded> {
    const outcome = await this.#commands.execute(new RecordEvents(contract, events, options));
    if (outcome.kind === 'precondition-failed') return outcome;
    return { ...outcome, results: outcome.results.map((result) => this.#outcomeOf(contract, result)) };
  }

  #outcomeOf(contract: string, result: ItemResult): ItemOutcome {
    return 'error' in result ? { status: 'failed', problem: this.#problemOf(contract, result.error) } : result;
  }

  /** What is said of an error; what is not said is logged. */
  #problemOf(contract: string, error: unknown): Problem {
    const problem = problemOf(error) ?? unexpected(error, this.#parts.log);
    if (problem.cause !== undefined) this.#parts.log.error(`recording ${contract}: ${problem.code}`, problem.cause);
    return problem;
  }

  /**
   * Records what is an event, each contract for itself and all at once, and gives what became of each item in the order
   * of `items`. What goes wrong with one contract fails its own items and no others. Never rejects.
   */
  async recordAll(items: readonly Checked[]): Promise<readonly ItemOutcome[]> {
    const outcomes: ItemOutcome[] = [];
    outcomes.length = items.length;
    const shares = new Map<string, Share>();
    for (let place = 0; place < items.length; place += 1) {
      const item = items[place]!;
      if (isRefusal(item)) {
        outcomes[place] = { status: 'refused', refusal: item };
        continue;
      }
      const { contract } = item.proposed;
      let share = shares.get(contract);
      if (share === undefined) shares.set(contract, (share = { events: [], places: [] }));
      share.events.push(item);
      share.places.push(place);
    }
    await Promise.all(Array.from(shares, ([contract, share]) => this.#recordShare(contract, share, outcomes)));
    return outcomes;
  }

  async #recordShare(contract: string, { events, places }: Share, outcomes: ItemOutcome[]): Promise<void> {
    try {
      const outcome = await this.execute(contract, events);
      if (outcome.kind === 'precondition-failed') throw new Error('no precondition was set, and one failed');
      for (let at = 0; at < places.length; at += 1) outcomes[places[at]!] = outcome.results[at]!;
    } catch (error) {
      const problem = this.#problemOf(contract, error);
      for (const place of places) outcomes[place] = { status: 'failed', problem };
    }
  }
}

/**
 * Where the same event stands twice: it cannot be told which one is meant, and nothing of the batch is recorded.
 * @throws Problem `duplicate-id-in-batch`
 */
export function checkTwice(items: readonly Checked[]): void {
  const first = new Map<string, number>();
  for (let place = 0; place < items.length; place += 1) {
    const item = items[place]!;
    if (isRefusal(item)) continue;
    const { contract, source, id } = item.proposed;
    // None of the three has a space in it.
    const name = `${contract} ${source} ${id}`;
    const before = first.get(name);
    if (before !== undefined)
      throw new Problem('duplicate-id-in-batch', 'an event stands twice in the batch; nothing of it was recorded', [
        { pointer: `/${place}/id`, detail: `stands at /${before} already, with the same source` },
      ]);
    first.set(name, place);
  }
}
