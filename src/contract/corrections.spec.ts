/** What a corrected registration, a second answer or an early word must not be able to do. */
import {
  confirmed,
  event,
  foldAll,
  given,
  play,
  refusalOf,
  registered,
  registrationData,
  usd,
  type Sent,
} from '../../test/support/scenario.js';
import { milestoneDates } from './schedule-arithmetic.js';

const change = (data: Record<string, unknown>, by = 'us-gov'): Sent =>
  event(
    'EventCorrected',
    { event: { id: 'registration' }, reason: 'incorrect-data', replacement: registrationData(data) },
    { by },
  );
const parties = registrationData().parties;

describe('a corrected registration', () => {
  test('stays in its currency once an amendment is in it', () => {
    const amended = event(
      'ContractAmended',
      { amendment: 'A', consulted: [], rationale: 'x', value: usd('5') },
      { by: 'jp-mod' },
    );
    const yen = (amount: string) => ({ amount, currency: 'JPY' });
    const inYen = change({
      value: yen('1000'),
      lines: registrationData().lines.map((line) => ({ ...line, unitValue: yen('2') })),
    });
    expect(refusalOf([registered()], inYen)).toBeUndefined();
    expect(refusalOf([registered(), amended], inYen)).toMatchObject({
      code: 'invalid-registration',
      problems: [{ pointer: '/data/replacement/value/currency' }],
    });
  });

  test('has to be confirmed anew by who had confirmed other terms', () => {
    const byOperator = registered({}, { by: 'operator' });
    const played = given(byOperator, confirmed(), change({ title: 'Other' }, 'operator'), confirmed({ by: 'us-gov' }));
    expect(played.state.confirmed).toBe(false);
    expect(foldAll(played.recorded).confirmedAt).toBeUndefined();
    const again = given(
      byOperator,
      confirmed(),
      change({ title: 'Other' }, 'operator'),
      confirmed({ by: 'us-gov' }),
      confirmed(),
    );
    expect(again.state.confirmed).toBe(true);
    expect(foldAll(again.recorded).confirmedAt).toBeDefined();
  });

  test('gives no role back that was taken away since', () => {
    const removed = event('PartyRemoved', { party: 'sub-a', role: 'subcontractor', reason: 'x' });
    const played = given(registered(), removed, change({ title: 'Other' }));
    expect(played.state.has('sub-a', 'subcontractor')).toBe(false);
    expect(foldAll(played.recorded).holds('sub-a', 'subcontractor')).toBe(false);
  });

  test('makes no second prime beside one added since', () => {
    const without = registered({ parties: parties.filter((party) => party.role !== 'prime') });
    const added = event('PartyAdded', { party: 'prime-b', name: 'b', role: 'prime', country: 'US' });
    expect(refusalOf([without, added], change({}))).toMatchObject({ code: 'invalid-registration' });
  });
});

describe('adjudicators', () => {
  const naming = (...names: string[]) =>
    event('ContractAmended', {
      amendment: 'A',
      consulted: [],
      rationale: 'x',
      adjudicators: names.map((party) => ({ party, name: party, country: 'CH' })),
    });

  test.each([[['ledger']], [['operator']], [['judge', 'judge']]])('%j is refused', (names) => {
    expect(refusalOf([registered()], naming(...names))).toMatchObject({ code: 'invalid-event' });
  });

  test('one who is proposed takes no other role, and may be named as consulted', () => {
    const added = event('PartyAdded', { party: 'judge', name: 'j', role: 'subcontractor', country: 'CH' });
    expect(refusalOf([registered(), naming('judge')], added)).toMatchObject({ code: 'invalid-event' });
    const consulted = event('ContractAmended', {
      amendment: 'B',
      consulted: ['judge'],
      rationale: 'x',
      value: usd('5'),
    });
    expect(refusalOf([registered(), naming('judge')], consulted)).toBeUndefined();
  });
});

test('a replacement is held to the rules of its type', () => {
  const report = (forecasts: object[]) => ({
    delay: 'D',
    cause: { code: 'parts', locus: 'seller', detail: 'x' },
    startedOn: '2020-02-01',
    forecasts,
  });
  const one = { milestone: 'D1', forecast: '2022-01-01' };
  const delay = event('DelayReported', report([one]), { id: 'd' });
  const twice = event('EventCorrected', {
    event: { id: 'd' },
    reason: 'incorrect-data',
    replacement: report([one, one]),
  });
  expect(refusalOf([registered(), delay], twice)).toMatchObject({
    code: 'invalid-event',
    problems: [{ pointer: '/data/replacement/forecasts/1/milestone' }],
  });
});

test('of each side the first answer to an amendment counts; any other second one is flagged', () => {
  const amended = event(
    'ContractAmended',
    { amendment: 'A', consulted: [], rationale: 'x', value: usd('5') },
    { by: 'jp-mod', onbehalfof: 'us-gov' },
  );
  const agree = (by: string) => event('AmendmentAgreed', { amendment: 'A' }, { by });
  const refuse = (by: string, id: string) => event('AmendmentRefused', { amendment: 'A', reason: 'x' }, { by, id });
  const model = foldAll(
    given(registered(), amended, agree('jp-mod'), refuse('jp-mod', 'second'), agree('us-gov')).recorded,
  );
  expect(model.amendments.get('A')).toMatchObject({ refusedAt: undefined, agreement: expect.anything() });
  expect([...model.flags.values()].map(({ code, event: { id } }) => [code, id])).toContainEqual([
    'repeated-answer',
    'second',
  ]);
  const both = foldAll(given(registered(), amended, refuse('jp-mod', 'a'), refuse('us-gov', 'b')).recorded);
  expect([...both.flags.values()].map(({ code }) => code)).toEqual(['second-hand']);
});

test('one instant in two spellings is one instant: the revision decides', () => {
  const redate = event(
    'ContractAmended',
    { amendment: 'A', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', due: '2025-01-01' }] },
    { time: '2020-05-01T00:00:00Z' },
  );
  const forecast = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2024-01-01', reason: 'x' },
    { time: '2020-05-01T00:00:00.0Z' },
  );
  expect(milestoneDates(foldAll(given(registered(), redate, forecast).recorded), 'D1').standing).toBe('2024-01-01');
});

describe('held until what they speak of is heard of', () => {
  const dispatch = (by: string, id: string) =>
    event(
      'ShipmentDispatched',
      {
        shipment: 'S',
        items: [{ line: '1', quantity: 2 }],
        carrier: 'carrier-a',
        mode: 'sea',
        from: 'a',
        to: 'b',
        eta: '2020-04-01T00:00:00Z',
      },
      { by, id },
    );
  const receive = (by: string, quantity: number) =>
    event(
      'ShipmentReceived',
      { shipment: 'S', items: [{ line: '1', quantity, condition: 'good' }], location: 'x' },
      { by },
    );

  test('an event keeps the rights that its reporter had when it was recorded', () => {
    const removed = event('PartyRemoved', { party: 'inspector-a', role: 'inspector', reason: 'x' });
    const added = event('PartyAdded', { party: 'inspector-b', name: 'b', role: 'inspector', country: 'US' });
    const model = foldAll(
      given(
        registered(),
        receive('inspector-a', 1),
        removed,
        added,
        dispatch('prime-a', 's'),
        receive('inspector-b', 2),
      ).recorded,
    );
    expect(model.lines.get('1')!.received.get('S')!.quantity).toBe(1_000_000n);
  });

  test('a shipment that another party still stands by is not withdrawn', () => {
    const withdraw = event('EventCorrected', { event: { id: 's' }, reason: 'did-not-occur' }, { by: 'prime-a' });
    const model = foldAll(
      given(registered(), dispatch('prime-a', 's'), receive('jp-mod', 2), dispatch('carrier-a', 't'), withdraw)
        .recorded,
    );
    expect([...model.flags.values()]).toEqual([]);
  });

  test('many that wait for the same thing cost no more each than one', () => {
    const moved = Array.from({ length: 3_000 }, () =>
      event('ShipmentMoved', { shipment: 'S', location: 'x', status: 'held' }, { by: 'carrier-a' }),
    );
    const model = foldAll(given(registered(), ...moved, dispatch('prime-a', 's')).recorded);
    expect(model.flags.size).toBe(0);
    expect(model.waiting.size).toBe(0);
  });
});

test('quantities that an amendment lowers or raises are looked at again', () => {
  const accept = event(
    'DeliveryAccepted',
    { items: [{ line: '1', quantity: 3 }], acceptancePoint: 'origin' },
    { by: 'jp-mod', id: 'accepted' },
  );
  const to = (amendment: string, quantity: number) => [
    event('ContractAmended', { amendment, consulted: [], rationale: 'x', lines: [{ line: '1', quantity }] }),
    event('AmendmentAgreed', { amendment }, { by: 'jp-mod' }),
  ];
  const codes = (...sent: Sent[]) =>
    [...foldAll(given(registered(), accept, ...sent).recorded).flags.values()].map(({ code }) => code);
  expect(codes()).toEqual([]);
  expect(codes(...to('A', 1))).toEqual(['quantity-exceeds-line']);
  expect(codes(...to('A', 1), ...to('B', 5))).toEqual([]);
});

test('nobody reports on behalf of itself', () => {
  const own = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2022-01-01', reason: 'x' },
    { by: 'us-gov', onbehalfof: 'us-gov' },
  );
  expect(play(registered(), own).refusals.get(own.id)).toMatchObject({
    code: 'not-permitted',
    problems: [{ pointer: '/onbehalfof' }],
  });
});
