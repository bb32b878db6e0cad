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
    const contested = event('RegistrationContested', { reason: 'in yen' }, { by: 'jp-mod' });
    expect(refusalOf([registered(), amended, contested], inYen)).toMatchObject({
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

  test('takes no role from a party that has recorded something in it', () => {
    const other = parties.map((party) => (party.role === 'buyer' ? { ...party, party: 'jp-other' } : party));
    const closed = event('ContractClosed', { reason: 'x' }, { by: 'jp-mod' });
    const contested = event('RegistrationContested', { reason: 'not ours' }, { by: 'jp-mod' });
    // Who has only said that it is not the buyer may turn out to be none.
    expect(refusalOf([registered(), contested], change({ parties: other }))).toBeUndefined();
    expect(refusalOf([registered(), closed, contested], change({ parties: other }))).toMatchObject({
      code: 'invalid-registration',
      problems: [{ detail: 'must keep jp-mod as buyer: it has recorded as that' }],
    });
    expect(refusalOf([registered(), closed, contested], change({ title: 'Other' }))).toBeUndefined();
  });

  test('is none by one side alone, once the other has acted on it and does not contest it', () => {
    const milestones = registrationData().milestones.map((milestone) => ({ ...milestone, due: '2030-01-01' }));
    const later = change({ milestones });
    const paid = event('PaymentMade', { payment: 'P', amount: usd('5.00'), kind: 'advance' }, { by: 'jp-mod' });
    const contested = event('RegistrationContested', { reason: 'not the price' }, { by: 'jp-mod' });
    const stands = { code: 'not-correctable', problems: [{ pointer: '/data/event' }] };
    expect(refusalOf([registered()], later)).toBeUndefined();
    expect(refusalOf([registered(), paid], later)).toMatchObject(stands);
    expect(refusalOf([registered(), paid, contested], later)).toBeUndefined();
    // Each contest asks for one correction: what was corrected stands again.
    expect(refusalOf([registered(), paid, contested, later], change({ title: 'Other' }))).toMatchObject(stands);
    const byOperator = [registered({}, { by: 'operator' }), paid];
    expect(refusalOf(byOperator, change({ title: 'Other' }, 'operator'))).toMatchObject(stands);
    const bySeller = event('RegistrationContested', { reason: 'x' }, { by: 'us-gov' });
    expect(refusalOf([...byOperator, bySeller], change({ title: 'Other' }, 'operator'))).toBeUndefined();
  });

  test('gives no role back that was taken away since, and says so where it is asked to', () => {
    const added = event('PartyAdded', { party: 'p', name: 'p', role: 'carrier', country: 'US' });
    const removed = event('PartyRemoved', { party: 'p', role: 'carrier', reason: 'x' });
    const listing = change({ parties: [...parties, { party: 'p', name: 'p', role: 'carrier', country: 'US' }] });
    expect(refusalOf([registered(), added, removed], listing)).toMatchObject({ code: 'invalid-registration' });
    const prime = (type: string, party: string) =>
      event(type, {
        party,
        role: 'prime',
        ...(type === 'PartyAdded' ? { name: party, country: 'US' } : { reason: 'x' }),
      });
    const replaced = [registered(), prime('PartyRemoved', 'prime-a'), prime('PartyAdded', 'prime-b')];
    const played = given(...replaced, change({ title: 'Other' }));
    const model = foldAll(played.recorded);
    expect([played.state.holder('prime'), model.holder('prime')]).toEqual(['prime-b', 'prime-b']);
  });

  test('counts the lines that amendments have proposed', () => {
    const line = (id: number) => ({
      line: `N${id}`,
      description: 'x',
      quantity: 1,
      unit: 'EA',
      unitValue: usd('1.00'),
    });
    const many = (from: number, count: number) => Array.from({ length: count }, (_, at) => line(from + at));
    const proposed = event('ContractAmended', { amendment: 'A', consulted: [], rationale: 'x', lines: many(0, 900) });
    const lines = [...registrationData().lines, ...many(5_000, 200)];
    expect(refusalOf([registered(), proposed], change({ lines }))).toMatchObject({
      code: 'invalid-registration',
      problems: [
        { pointer: '/data/replacement/lines', detail: 'must have at most 100, with the 900 others there are' },
      ],
    });
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

  test('one side alone bars nobody from a role; with another role nobody becomes adjudicator', () => {
    const added = event('PartyAdded', { party: 'judge', name: 'j', role: 'subcontractor', country: 'CH' });
    const agreed = event('AmendmentAgreed', { amendment: 'A' }, { by: 'jp-mod' });
    expect(refusalOf([registered(), naming('judge')], added)).toBeUndefined();
    expect(refusalOf([registered(), naming('judge'), added], agreed)).toMatchObject({ code: 'invalid-event' });
    expect(refusalOf([registered(), naming('judge'), agreed], added)).toMatchObject({ code: 'invalid-event' });
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
    expect(model.lines.get('1')!.received.total).toBe(1_000_000n);
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

describe('what one side says late of what happened long ago', () => {
  const flagged = (...sent: Sent[]) =>
    [...foldAll(given(registered(), ...sent).recorded).flags.values()]
      .filter(({ code }) => code === 'backdated')
      .map(({ detail }) => detail);
  const reached = (on: string, recorded: string) =>
    event('MilestoneReached', { milestone: 'M1', on }, { by: 'prime-a', time: recorded });
  const delivered = (type: 'DeliveryAccepted' | 'DeliveryRejected', time: string, recorded: string, more: object) =>
    event(type, { items: [{ line: '1', quantity: 1 }], ...more }, { by: 'jp-mod', time, recorded });

  test('counts, and is flagged: a milestone reached, an acceptance, a revocation', () => {
    expect(flagged(reached('2021-01-31', '2022-06-01'))).toEqual(['said on 2022-06-01 to have happened on 2021-01-31']);
    expect(flagged(reached('2022-05-02', '2022-06-01'))).toEqual([]);
    const at = { acceptancePoint: 'destination' };
    expect(flagged(delivered('DeliveryAccepted', '2021-06-01', '2022-06-01', at))).toHaveLength(1);
    expect(
      flagged(delivered('DeliveryRejected', '2021-06-01', '2022-06-01', { reason: 'x', revokes: true })),
    ).toHaveLength(1);
    expect(flagged(delivered('DeliveryRejected', '2021-06-01', '2022-06-01', { reason: 'x' }))).toEqual([]);
    // Who corrects it says it then.
    const said = event(
      'MilestoneReached',
      { milestone: 'M1', on: '2021-01-31' },
      { by: 'prime-a', time: '2021-02-01', id: 'said' },
    );
    const corrected = event(
      'EventCorrected',
      { event: { id: 'said' }, reason: 'incorrect-data', replacement: { milestone: 'D1', on: '2021-01-31' } },
      { by: 'prime-a', time: '2022-06-01' },
    );
    expect(flagged(said)).toEqual([]);
    expect(flagged(said, corrected)).toEqual(['said on 2022-06-01 to have happened on 2021-01-31']);
  });

  test('not where a history is imported, but for what is said to have been before the contract', () => {
    const first = (sent: Sent) => event(sent.type, sent['data'] as object, { by: 'prime-a', time: '2020-02-01' });
    expect(flagged(first(reached('2020-01-10', '2020-02-01')))).toEqual([]);
    expect(flagged(first(reached('1999-01-01', '2020-02-01')))).toEqual([
      'said to have happened on 1999-01-01, before the contract was signed',
    ]);
  });
});

describe('quantities beyond the line', () => {
  const dispatch = (shipment: string, quantity: number, time = '2020-03-01') =>
    event(
      'ShipmentDispatched',
      {
        shipment,
        items: [{ line: '1', quantity }],
        carrier: 'carrier-a',
        mode: 'sea',
        from: 'a',
        to: 'b',
        eta: '2021-01-01T00:00:00Z',
      },
      { by: 'prime-a', time },
    );
  const accept = (shipment: string, quantity: number, time: string, id: string) =>
    event(
      'DeliveryAccepted',
      { shipment, items: [{ line: '1', quantity }], acceptancePoint: 'destination' },
      { by: 'jp-mod', time, id },
    );
  const flagged = (...sent: Sent[]) => {
    const model = foldAll(given(registered(), ...sent).recorded);
    model.takeTouched();
    return [...model.flags.values()]
      .filter(({ code }) => code === 'quantity-exceeds-line')
      .map(({ event: { id }, detail }) => `${id}: ${detail}`);
  };

  test('are flagged where shipments add up to them, and no longer once the line has so many', () => {
    const [one, two] = [dispatch('S', 3), dispatch('T', 3)];
    expect(flagged(one, two)).toEqual([`${two.id}: shipped in all more than the 4 of line 1`]);
    const more = event('ContractAmended', {
      amendment: 'A',
      consulted: [],
      rationale: 'x',
      lines: [{ line: '1', quantity: 10 }],
    });
    expect(flagged(one, two, more)).toHaveLength(1);
    expect(flagged(one, two, more, event('AmendmentAgreed', { amendment: 'A' }, { by: 'jp-mod' }))).toEqual([]);
  });

  test('are flagged on what was made and what was checked', () => {
    const made = event('ManufacturingCompleted', { line: '1', quantity: 9 }, { by: 'prime-a' });
    const checked = event(
      'QualityCheckRecorded',
      { check: 'q', line: '1', kind: 'final', standard: 'AQAP-2110', quantity: 50, result: 'pass' },
      { by: 'prime-a' },
    );
    expect(flagged(made, checked)).toEqual([
      `${made.id}: more than the 4 of line 1`,
      `${checked.id}: more than the 4 of line 1`,
    ]);
  });

  test('stand on the acceptance with which the line was exceeded, in whatever order they were recorded', () => {
    const [early, late] = [accept('S', 3, '2020-05-01', 'early'), accept('T', 3, '2020-06-01', 'late')];
    const shipped = [dispatch('S', 2), dispatch('T', 2)];
    const beyond = ['late: accepted in all more than the 4 of line 1'];
    expect(flagged(...shipped, early, late)).toEqual(beyond);
    expect(flagged(...shipped, late, early)).toEqual(beyond);
  });

  test('name the last line of those that one event exceeds, in whatever order it names them', () => {
    const accepted = (time: string, ...items: readonly object[]) =>
      event('DeliveryAccepted', { items, acceptancePoint: 'destination' }, { by: 'jp-mod', time, id: `at-${time}` });
    const both = [
      { line: '2', quantity: 9 },
      { line: '1', quantity: 9 },
    ];
    const flag = ['at-2021-01-01: accepted in all more than the 2.5 of line 2'];
    expect(flagged(accepted('2021-01-01', ...both))).toEqual(flag);
    expect(flagged(accepted('2021-01-01', ...both.toReversed()))).toEqual(flag);
    // All are looked at again where what comes is older than what was recorded.
    const [first, older] = [accepted('2020-06-01', both[1]!), accepted('2020-03-01', { line: '1', quantity: 1 })];
    expect(flagged(first, older, accepted('2021-01-01', ...both)).slice(-1)).toEqual(flag);
  });

  test('say what the line has now', () => {
    const less = (quantity: number, amendment: string) => [
      event('ContractAmended', { amendment, consulted: [], rationale: 'x', lines: [{ line: '1', quantity }] }),
      event('AmendmentAgreed', { amendment }, { by: 'jp-mod' }),
    ];
    const six = accept('S', 6, '2020-01-20', 'six');
    const history = [dispatch('S', 2), six, ...less(3, 'A'), ...less(2, 'B')];
    expect(flagged(...history)).toContain('six: accepted in all more than the 2 of line 1');
  });

  test('never make a delivery milestone reached that asks for more than the line has', () => {
    const milestone = { kind: 'delivery', description: 'x', due: '2021-01-01', binding: 'firm' };
    const milestones = [
      { milestone: 'MORE', line: '1', quantity: 6, ...milestone },
      { milestone: 'EACH', quantity: 2, ...milestone },
    ];
    const item = (line: string, quantity: number) => ({ line, quantity });
    const accepted = (quantity: number) =>
      event(
        'DeliveryAccepted',
        { items: [item('1', quantity), item('2', 2)], acceptancePoint: 'origin' },
        { by: 'jp-mod', time: '2020-05-01' },
      );
    const actual = (quantity: number) => {
      const model = foldAll(given(registered({ milestones }), accepted(quantity)).recorded);
      return ['MORE', 'EACH'].map((id) => milestoneDates(model, id).actual);
    };
    expect(actual(6)).toEqual([undefined, '2020-05-01']);
    expect(actual(1)).toEqual([undefined, undefined]);
  });
});

test('a percentage that goes down is flagged also after work was begun anew', () => {
  const by = { by: 'prime-a' };
  const progress = (percent: number, time: string) =>
    event('ManufacturingProgressed', { line: '1', stage: 's', percent, unitsCompleted: 0 }, { ...by, time });
  const anew = event('ManufacturingStarted', { line: '1', site: 'x', stage: 's' }, { ...by, time: '2020-04-01' });
  const model = foldAll(given(registered(), progress(50, '2020-03-01'), anew, progress(10, '2020-05-01')).recorded);
  expect([...model.flags.values()].map(({ code }) => code)).toEqual(['percent-decreased']);
});

test('a report about what a stranger opened is refused; one about what a party has not opened yet is held', () => {
  const resolved = (delay: string) => event('DelayResolved', { delay, resolvedOn: '2020-02-01', actualDays: 1 });
  expect(refusalOf([registered()], resolved('nobody/D1'))).toMatchObject({
    code: 'unknown-reference',
    problems: [{ pointer: '/data/delay' }],
  });
  expect(refusalOf([registered()], resolved('prime-a/D1'))).toBeUndefined();
});

test('every refusal names a field', () => {
  expect(refusalOf([registered()], confirmed({ by: 'us-gov' }))?.problems).toMatchObject([{ pointer: '/source' }]);
  expect(refusalOf([registered()], registered({}, { id: 'again' }))?.problems).toMatchObject([{ pointer: '/subject' }]);
});
