/** `waybook replay` and `waybook history`: a contract read from the streams themselves, no server needed. */
import { historyView } from '../../projections/audit-trail/queries.js';
import { contractView } from '../../projections/contract-status/queries.js';
import { projections } from '../../projections/index.js';
import { scheduleView } from '../../projections/schedule/queries.js';
import type { Config } from '../config.js';
import { compareInstants, isCalendarDate, isInstant } from '../contract/calendar.js';
import type { EventStore } from '../event-store/event-store.js';
import { decodeEvent } from '../evidence/record.js';
import { readIdentity } from '../log/ledger-stream.js';
import { openReader } from '../open-store.js';
import { lastAtOrBefore } from '../subscriptions/place.js';
import { replayContract, type Replayed } from '../subscriptions/replay.js';
import { CommandFailure, EXIT } from './exit.js';
import { printable, table, type Output } from './output.js';

export interface PastOptions {
  readonly asOf?: string;
  readonly on?: string;
}

/** @throws CommandFailure where there is no such contract then, or the options are wrong */
async function replayed(config: Config, contract: string, { asOf, on }: PastOptions): Promise<Replayed> {
  if (on !== undefined && !isCalendarDate(on))
    throw new CommandFailure('--on must be a date, as YYYY-MM-DD', EXIT.usage);
  const { store } = await openReader(config.eventStore);
  try {
    const request = {
      contract,
      asOf: await asOfRequest(store, asOf),
      verify: true,
      ...(on === undefined ? {} : { on }),
    };
    const found = await replayContract(store, request, projections);
    if (found === undefined)
      throw new CommandFailure(`there is no contract ${contract}${asOf === undefined ? '' : ` as of ${asOf}`}`);
    return found;
  } finally {
    await store.close();
  }
}

async function asOfRequest(
  store: EventStore,
  asOf: string | undefined,
): Promise<{ instant: string; position?: bigint }> {
  const now = await nowOf(store);
  if (asOf === undefined) {
    const head = await store.head();
    return { instant: now, ...(head === undefined ? {} : { position: head.position }) };
  }
  if (isInstant(asOf)) {
    if (compareInstants(asOf, now) > 0)
      throw new CommandFailure(`--as-of must not lie ahead: the ledger is at ${now}`, EXIT.usage);
    return { instant: asOf };
  }
  if (!/^\d{1,19}$/.test(asOf))
    throw new CommandFailure('--as-of must be an instant such as 2026-01-16T09:30:00Z, or a position', EXIT.usage);
  const position = BigInt(asOf);
  const head = (await store.head())?.position ?? 0n;
  if (position > head) throw new CommandFailure(`--as-of must not lie ahead: the ledger is at ${head}`, EXIT.usage);
  const last = await lastAtOrBefore(store, position);
  if (last === undefined) throw new CommandFailure('nothing was recorded by then');
  return { instant: decodeEvent(last).recordedtime, position };
}

/** The machine's time; of a ledger whose clock is stepped, when its last event was recorded. */
async function nowOf(store: EventStore): Promise<string> {
  const { clock } = await readIdentity(store);
  if (clock === 'system') return new Date().toISOString();
  const head = await store.head();
  const last = head === undefined ? undefined : await lastAtOrBefore(store, head.position);
  return last === undefined ? new Date(0).toISOString() : decodeEvent(last).recordedtime;
}

export async function replayCommand(
  config: Config,
  contract: string,
  options: PastOptions,
  output: Output,
): Promise<void> {
  const { rows, on, position, asOfInstant } = await replayed(config, contract, options);
  const status = contractView(rows, on)!;
  const { milestones } = scheduleView(rows, on)!;
  output.answer({ asOf: options.asOf ?? asOfInstant, on, position, ...status, milestones });
  const { buyer, seller, undeliveredValue } = status;
  const title = printable(status.title);
  output.say(`${contract}  ${title}  (${status.status} on ${on}, as recorded by ${asOfInstant}, every hash checked)`);
  output.say(
    `  buyer ${buyer}, seller ${seller}, signed ${status.signedOn}, undelivered ${undeliveredValue.amount} ${undeliveredValue.currency}\n`,
  );
  output.say(
    table(
      [
        'milestone',
        'line',
        'kind',
        'first promise',
        'agreed',
        'imposed',
        'standing',
        'actual',
        'slip',
        'late',
        're-dated',
      ],
      milestones.map((each) => [
        each.milestone,
        each.line,
        each.kind,
        each.baseline,
        each.agreed,
        each.imposed,
        each.standing,
        each.actual,
        each.slipDays,
        each.lateDays,
        each.timesRedated,
      ]),
    ),
  );
  for (const { code, event, detail } of status.flags) output.say(`  flag ${code} on ${event.id}: ${printable(detail)}`);
}

export async function historyCommand(
  config: Config,
  contract: string,
  options: PastOptions,
  output: Output,
): Promise<void> {
  const { rows, on, position, asOfInstant } = await replayed(config, contract, options);
  const { events } = historyView(rows, { order: 'recorded', limit: Number.MAX_SAFE_INTEGER })!;
  output.answer({ asOf: options.asOf ?? asOfInstant, on, position, events });
  output.say(
    table(
      ['revision', 'recorded', 'happened', 'reporter', 'type', 'id', ''],
      events.map((event) => [
        Number(event.revision),
        event.recordedtime.slice(0, 16),
        event.time.slice(0, 10),
        event.onBehalfOf === null ? event.reporter : `${event.reporter} for ${event.onBehalfOf}`,
        event.type,
        event.id,
        [...(event.effective ? [] : ['(corrected)']), ...event.flags].join(' '),
      ]),
    ),
  );
}
