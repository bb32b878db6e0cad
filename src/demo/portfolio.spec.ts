/** The whole portfolio is played through the ledger's own rules, and its published totals are folded from it. */
import { effective } from '../../test/support/scenario.js';
import { checkEvent, isRefusal } from '../commands/envelope.js';
import { compareInstants, yearsPassed } from '../contract/calendar.js';
import { decide, eventTypes, evolve, fold, latestTime } from '../contract/contract.js';
import { correctedName, type EventCorrected } from '../contract/correction.js';
import type { ContractEvent } from '../contract/event-type.js';
import { ContractModel } from '../contract/model.js';
import { minorUnits, valueOf } from '../contract/money.js';
import { milestoneDates } from '../contract/schedule-arithmetic.js';
import { DecisionState } from '../contract/state.js';
import { inForce } from '../contract/terms-in-force.js';
import { AUDIT_CASES, AUDIT_PROGRAMME, AUDIT_UNDELIVERED_JPY } from './audit-programme.js';
import { STORY_CONTRACT, STORY_MILESTONE } from './e2d-plan.js';
import { IMPORTED_PROGRAMME } from './imported-programme.js';
import { MIXED_PROGRAMME } from './mixed-programme.js';
import { DEMO_SEED, generatePortfolio } from './portfolio.js';
import { DEMO_END, DEMO_LAST_DAY, DEMO_START, type Sending } from './script.js';

interface Played {
  readonly state: DecisionState;
  readonly events: ContractEvent<object>[];
}

/** Sends everything in its order to contracts held in memory, the clock standing where the sending says. */
function play(sendings: readonly Sending[]): { contracts: Map<string, Played>; refusals: string[] } {
  const contracts = new Map<string, Played>();
  const refusals: string[] = [];
  for (const { at, contract, event } of sendings) {
    const said = `${contract} ${at} ${event.type} ${event.id}`;
    const checked = checkEvent(event, undefined);
    if (isRefusal(checked)) {
      refusals.push(`${said}: ${checked.code} ${JSON.stringify(checked.problems)}`);
      continue;
    }
    const played: Played = contracts.get(contract) ?? { state: new DecisionState(), events: [] };
    contracts.set(contract, played);
    const { proposed } = checked;
    if (played.state.seenAt(proposed.source, proposed.id) !== undefined) {
      refusals.push(`${said}: its id is taken`);
      continue;
    }
    const lookup = (name: { id: string; source: string }) =>
      played.events.find(({ id, source }) => id === name.id && source === name.source);
    const refused = decide(played.state, proposed, { latest: latestTime(Date.parse(at)), lookup });
    if (refused !== undefined) {
      refusals.push(`${said}: ${refused.code} ${refused.detail} ${JSON.stringify(refused.problems)}`);
      continue;
    }
    evolve(played.state, proposed, played.events.length);
    const recordedtime = at.replace('Z', '.000Z');
    played.events.push({ ...proposed, revision: played.events.length, recordedtime });
  }
  return { contracts, refusals };
}

const modelOf = (contract: string, events: readonly ContractEvent<object>[]): ContractModel => {
  const model = new ContractModel(contract);
  for (const event of effective(events)) fold(model, event);
  return model;
};

/** quantity x unit value of what is not accepted, in minor units. */
function undelivered(model: ContractModel): bigint {
  let sum = 0n;
  for (const [id, line] of inForce(model).lines) {
    const total = model.line(id).accepted.total;
    const accepted = total > line.quantity ? line.quantity : total;
    sum += valueOf(line.quantity, minorUnits(line.unitValue)) - valueOf(accepted, minorUnits(line.unitValue));
  }
  return sum;
}

function percentAccepted(model: ContractModel, line: string): number {
  const quantity = inForce(model).lines.get(line)?.quantity ?? 1n;
  return Number((100n * model.line(line).accepted.total) / quantity);
}

function statusOn(model: ContractModel, day: string): string {
  if (model.closed !== undefined) return 'closed';
  const unreached = [...inForce(model).milestones.values()]
    .filter(({ cancelledOn }) => cancelledOn === undefined)
    .map(({ milestone }) => milestoneDates(model, milestone))
    .filter(({ actual }) => actual === undefined);
  if (unreached.length === 0) return 'completed';
  if (unreached.some(({ agreed }) => agreed < day)) return 'late';
  const open = [...model.delays.values()].some(({ withdrawn, resolved }) => !withdrawn && resolved === undefined);
  return open || unreached.some(({ standing, agreed }) => standing > agreed) ? 'at-risk' : 'on-track';
}

const portfolio = generatePortfolio();
const { contracts, refusals } = play(portfolio.sendings);
const models = new Map([...contracts].map(([id, { events }]) => [id, modelOf(id, events)]));
const modelsOf = (programme: string) =>
  [...models.values()].filter((model) => model.registration?.programme === programme);

const tally = (values: Iterable<string>): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};

test('every event is recorded when it is sent at its time', () => {
  expect(refusals).toEqual([]);
});

test('the same seed gives the same portfolio, another seed another one of the same totals', () => {
  expect(JSON.stringify(generatePortfolio(DEMO_SEED))).toBe(JSON.stringify(portfolio));
  const other = generatePortfolio(7);
  expect(JSON.stringify(other.sendings)).not.toBe(JSON.stringify(portfolio.sendings));
  const played = play(other.sendings);
  expect(played.refusals).toEqual([]);
  const audited = [...played.contracts].map(([id, { events }]) => modelOf(id, events));
  // What is paid in the programme of 2019: 141.7 billion for the unsettled contracts, and 8.5 for the others.
  const imported = audited.filter((model) => model.registration?.programme === IMPORTED_PROGRAMME);
  expect(imported.reduce((total, model) => total + model.paid, 0n)).toBe(150_200_000_000n);
  const sum = audited
    .filter((model) => model.registration?.programme === AUDIT_PROGRAMME)
    .reduce((total, model) => total + undelivered(model), 0n);
  expect(sum).toBe(AUDIT_UNDELIVERED_JPY);
});

describe('the audit programme', () => {
  const audited = modelsOf(AUDIT_PROGRAMME);

  test('has 118 contracts, all signed more than five years before the last day, none delivered in full', () => {
    const counted = audited.filter(
      (model) =>
        model.closed === undefined &&
        undelivered(model) > 0n &&
        yearsPassed(model.registration!.signedOn, DEMO_LAST_DAY) >= 5,
    );
    expect(audited).toHaveLength(AUDIT_CASES);
    expect(counted).toHaveLength(118);
  });

  test('comes to exactly 1.14 trillion yen undelivered', () => {
    expect(audited.reduce((sum, model) => sum + undelivered(model), 0n)).toBe(1_140_000_000_000n);
    expect(new Set(audited.map((model) => model.registration!.value.currency))).toEqual(new Set(['JPY']));
  });

  test('is late for the most part', () => {
    const statuses = tally(audited.map((model) => statusOn(model, DEMO_LAST_DAY)));
    expect(statuses['late']).toBeGreaterThan(80);
    expect(statuses['closed'] ?? 0).toBe(0);
    expect(statuses['completed'] ?? 0).toBe(0);
  });

  test('has E-2D support equipment among its cases', () => {
    const titles = audited.map((model) => model.registration!.title);
    expect(titles.filter((title) => title.startsWith('E-2D support equipment')).length).toBeGreaterThan(3);
  });
});

test('the mixed programme has every status and three currencies', () => {
  const mixed = modelsOf(MIXED_PROGRAMME);
  const statuses = tally(mixed.map((model) => statusOn(model, DEMO_LAST_DAY)));
  expect(mixed).toHaveLength(62);
  for (const status of ['closed', 'completed', 'late', 'at-risk', 'on-track'])
    expect({ status, many: (statuses[status] ?? 0) >= 5 }).toEqual({ status, many: true });
  expect(new Set(mixed.map((model) => model.registration!.value.currency))).toEqual(new Set(['USD', 'JPY', 'EUR']));
});

describe('what is sent', () => {
  const types = tally(portfolio.sendings.map(({ event }) => event.type));

  // Every type that parties may send. `ReportOverdue` and `DelayEscalated` are the ledger's own words, and nobody sends them.
  // A type that is added to the contract is to be shown in the demo too.
  test('is of every type but the two that the ledger records itself', () => {
    const own = eventTypes.filter(({ ledgerOnly }) => ledgerOnly === true).map(({ type }) => type);
    expect(own.sort()).toEqual(['DelayEscalated', 'ReportOverdue']);
    expect(Object.keys(types).sort()).toEqual(
      eventTypes
        .map(({ type }) => type)
        .filter((type) => !own.includes(type))
        .sort(),
    );
  });

  test.each(eventTypes.filter(({ ledgerOnly }) => ledgerOnly !== true).map(({ type }) => type))(
    'there are several of %s',
    (type) => expect(types[type] ?? 0).toBeGreaterThanOrEqual(5),
  );

  test('is many thousand events at few moments, in the order of sending, within the years of the demo', () => {
    expect(portfolio.sendings.length).toBeGreaterThan(15_000);
    expect(portfolio.sendings.length).toBeLessThan(19_000);
    // Feeding takes a request or two for each moment, however many events it has.
    expect(new Set(portfolio.sendings.map(({ at }) => at)).size).toBeLessThan(2_900);
    const wrong = portfolio.sendings.filter(
      ({ at, day, contract, event }, index) =>
        at < (portfolio.sendings[index - 1]?.at ?? DEMO_START) ||
        at > DEMO_END ||
        !at.startsWith(day) ||
        // What was imported had happened before the ledger was there.
        (event.time < DEMO_START && models.get(contract)?.registration?.programme !== IMPORTED_PROGRAMME) ||
        event.time > DEMO_END ||
        Date.parse(event.time) > Date.parse(latestTime(Date.parse(at))),
    );
    expect(wrong).toEqual([]);
  });

  test('makes what it delivers: nothing is accepted that nobody had made by then', () => {
    const made = new Map<string, number>();
    for (const { contract, event } of portfolio.sendings) {
      const { line, percent } = event.data as { line?: string; percent?: number };
      const reported = event.type === 'ManufacturingCompleted' ? 100 : (percent ?? 0);
      made.set(`${contract} ${line}`, Math.max(made.get(`${contract} ${line}`) ?? 0, reported));
    }
    // Of what was imported nobody entered how it had been made.
    const told = [...models.values()].filter((model) => model.registration?.programme !== IMPORTED_PROGRAMME);
    const unmade = told.flatMap((model) =>
      [...inForce(model).lines.keys()]
        .filter((line) => percentAccepted(model, line) > (made.get(`${model.contract} ${line}`) ?? 0))
        .map((line) => `${model.contract} ${line}`),
    );
    expect(unmade).toEqual([]);
  });

  test('comes late and out of order', () => {
    const late = portfolio.sendings.filter(
      ({ at, event }) => Date.parse(at) - Date.parse(event.time) > 30 * 86_400_000,
    );
    expect(late.length).toBeGreaterThan(200);
    let backwards = 0;
    for (const { events } of contracts.values())
      for (const [index, event] of events.entries())
        if (index > 0 && compareInstants(event.time, events[index - 1]?.time ?? '') < 0) backwards += 1;
    expect(backwards).toBeGreaterThan(300);
  });

  test('is registered by buyer, seller and operator, contested, and confirmed', () => {
    const by = tally(
      [...models.values()].map(({ registration, parties }) => {
        const party = registration!.by;
        return parties.find((entry) => entry.party === party)?.role ?? party;
      }),
    );
    expect(Object.keys(by).sort()).toEqual(['buyer', 'operator', 'seller']);
    expect([...models.values()].filter(({ contested }) => contested !== undefined).length).toBeGreaterThan(2);
    expect([...models.values()].every(({ confirmedAt }) => confirmedAt !== undefined)).toBe(true);
  });

  test('amendments are agreed, refused and left open', () => {
    const amendments = [...models.values()].flatMap((model) => [...model.amendments.values()]);
    const ends = tally(
      amendments.map(({ agreement, refusedAt, onBehalfOf }) =>
        onBehalfOf !== undefined
          ? 'second-hand'
          : agreement !== undefined
            ? 'agreed'
            : refusedAt !== undefined
              ? 'refused'
              : 'open',
      ),
    );
    for (const end of ['agreed', 'refused', 'open', 'second-hand'])
      expect({ end, many: (ends[end] ?? 0) > 10 }).toEqual({ end, many: true });
  });

  test('has events that surprise: second-hand, not heard of yet, withdrawn, one-sided, after closing', () => {
    const flags = tally([...models.values()].flatMap((model) => [...model.flags.values()].map(({ code }) => code)));
    for (const code of ['second-hand', 'one-sided', 'percent-decreased', 'after-closing'])
      expect({ code, some: (flags[code] ?? 0) > 0 }).toEqual({ code, some: true });
    // What was turned back is shipped once more, and what is shipped adds up; more than there is was never accepted.
    const beyond = [...models.values()].flatMap((model) =>
      [...model.flags.values()].filter(({ code }) => code === 'quantity-exceeds-line').map(({ detail }) => detail),
    );
    expect(beyond.length).toBeGreaterThan(0);
    expect(beyond.every((detail) => detail.startsWith('shipped') || detail.startsWith('received'))).toBe(true);
    // What was not heard of when it came has been heard of since: the flag stands only for a while.
    const unheard = [...contracts].filter(([id, { events }]) => {
      const model = new ContractModel(id);
      return effective(events).some((event) => {
        fold(model, event);
        return [...model.flags.values()].some(({ code }) => code === 'unknown-reference');
      });
    });
    expect(unheard.length).toBeGreaterThan(10);
    expect(flags['unknown-reference'] ?? 0).toBe(0);
  });

  test('is corrected: replaced, taken back, and corrected once more', () => {
    const corrections = [...contracts].flatMap(([id, { events }]) =>
      events
        .filter((event) => event.type === 'EventCorrected')
        .map((event) => {
          const correction = event as ContractEvent<EventCorrected>;
          return { reason: correction.data.reason, of: `${id} ${correctedName(correction).id}` };
        }),
    );
    const reasons = tally(corrections.map(({ reason }) => reason));
    expect(reasons['incorrect-data']).toBeGreaterThan(10);
    expect(reasons['did-not-occur']).toBeGreaterThan(5);
    const often = Object.values(tally(corrections.map(({ of }) => of)));
    expect(often.filter((times) => times > 1).length).toBeGreaterThan(3);
  });

  test('is said on behalf of sellers and subcontractors by others', () => {
    const roles = new Set(
      portfolio.sendings.flatMap(({ contract, event }) =>
        models
          .get(contract)!
          .parties.filter(({ party }) => party === event.onbehalfof)
          .map(({ role }) => role),
      ),
    );
    expect(roles).toContain('seller');
    expect(roles).toContain('subcontractor');
  });

  test('names nobody without saying that it is illustrative', () => {
    const names = new Set([...models.values()].flatMap(({ parties }) => parties.map(({ name }) => name)));
    expect(names.size).toBeGreaterThan(20);
    expect([...names].filter((name) => !name.endsWith('(illustrative)'))).toEqual([]);
  });
});

describe(STORY_CONTRACT, () => {
  const known = (day: string) =>
    modelOf(
      STORY_CONTRACT,
      contracts.get(STORY_CONTRACT)!.events.filter(({ recordedtime }) => recordedtime < `${day}T00:00:00.000Z`),
    );

  test('the dates of the milestone it is about, now and as known two years before', () => {
    const now = milestoneDates(models.get(STORY_CONTRACT)!, STORY_MILESTONE);
    const then = milestoneDates(known('2024-01-16'), STORY_MILESTONE);
    expect(now).toMatchObject({ baseline: '2020-03-31', agreed: '2020-03-31', imposed: '2024-06-28' });
    expect(now.standing).toBe('2027-03-31');
    expect(then).toMatchObject({ baseline: '2020-03-31', agreed: '2020-03-31', imposed: '2024-06-28' });
    expect(then.standing).toBe('2024-06-28');
  });

  test('was re-dated twice without anybody being asked', () => {
    const redatings = inForce(models.get(STORY_CONTRACT)!).redatings.get(STORY_MILESTONE) ?? [];
    expect(redatings.map(({ amendment }) => amendment.data.consulted)).toEqual([[], []]);
    expect(redatings.every(({ amendment }) => amendment.agreement === undefined)).toBe(true);
  });

  test('is late, partly delivered, and its delay was reported more than a year after it began', () => {
    const model = models.get(STORY_CONTRACT)!;
    expect(statusOn(model, DEMO_LAST_DAY)).toBe('late');
    expect([...inForce(model).lines.keys()].map((line) => model.line(line).accepted.total / 1_000_000n)).toEqual([
      3n,
      24n,
      0n,
      0n,
    ]);
    const delay = model.delays.get('prime-a/D-01');
    expect([delay?.startedOn, delay?.recordedtime.slice(0, 10)]).toEqual(['2018-10-17', '2020-01-20']);
  });

  test('what was known of its manufacture two years before was rosier than it was', () => {
    expect(known('2024-01-16').line('TEST').production?.percent).toBe(90);
    const told = contracts.get(STORY_CONTRACT)!.events.filter(({ time }) => time < '2024-01-16');
    const correction = contracts.get(STORY_CONTRACT)!.events.filter(({ type }) => type === 'EventCorrected');
    const truly = modelOf(STORY_CONTRACT, [...told, ...correction.filter((event) => !told.includes(event))]);
    expect(truly.line('TEST').production?.percent).toBe(72);
  });
});
