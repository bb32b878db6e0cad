import {
  confirmed,
  event,
  given,
  play,
  refusalOf,
  registered,
  registrationData,
  usd,
  type Options,
} from '../../test/support/scenario.js';
import { broughtUp, ContractError, eventTypes, upcast } from './contract.js';
import { eventKey } from './state.js';

const base = [registered(), confirmed()];

describe('rights', () => {
  test('a party that is not on the contract is refused by name', () => {
    const refusal = refusalOf(
      base,
      event('ForecastRevised', { milestone: 'D1', forecast: '2022-01-01', reason: 'x' }, { by: 'nobody' }),
    );
    expect(refusal).toMatchObject({ code: 'not-permitted', problems: [{ pointer: '/source' }] });
  });

  test.each([
    ['DeliveryAccepted', { items: [{ line: '1', quantity: 1 }], acceptancePoint: 'origin' }, 'us-gov'],
    ['ManufacturingStarted', { line: '1', site: 'Plant', stage: 'cutting' }, 'jp-mod'],
    ['ShipmentMoved', { shipment: 'S1', location: 'Port', status: 'departed' }, 'jp-mod'],
    [
      'QualityCheckRecorded',
      { check: 'Q', line: '1', kind: 'final', standard: 'AQAP-2110', quantity: 1, result: 'pass' },
      'us-gov',
    ],
    [
      'ContractAmended',
      { amendment: 'A', consulted: [], rationale: 'x', milestones: [{ milestone: 'D1', due: '2022-01-01' }] },
      'prime-a',
    ],
    ['ForecastRevised', { milestone: 'D1', forecast: '2022-01-01', reason: 'x' }, 'inspector-a'],
  ])('%s is not reported by that role', (type, data, by) => {
    expect(refusalOf(base, event(type, data, { by }))).toMatchObject({ code: 'not-permitted' });
  });

  test('nothing is recorded before the registration, and nothing registers twice', () => {
    const early = event('ForecastRevised', { milestone: 'D1', forecast: '2022-01-01', reason: 'x' });
    expect(play(early).refusals.get(early.id)).toMatchObject({ code: 'unknown-contract' });
    const again = registered({}, { id: 'again' });
    expect(refusalOf(base, again)).toMatchObject({ code: 'already-registered' });
  });

  test('a removed party reports no more; one added may at once', () => {
    const removed = event('PartyRemoved', { party: 'sub-a', role: 'subcontractor', reason: 'x' }, { by: 'prime-a' });
    const added = event(
      'PartyAdded',
      { party: 'sub-b', name: 'b', role: 'subcontractor', country: 'US' },
      { by: 'prime-a' },
    );
    const start = (by: string) => event('ManufacturingStarted', { line: '1', site: 'Plant', stage: 'cutting' }, { by });
    expect(refusalOf([...base, removed, added], start('sub-a'))).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf([...base, removed, added], start('sub-b'))).toBeUndefined();
  });

  test('a prime adds only subcontractors and carriers, and nobody adds a seller', () => {
    const add = (role: string, by: string) =>
      event('PartyAdded', { party: 'new', name: 'n', role, country: 'US' }, { by });
    expect(refusalOf(base, add('inspector', 'prime-a'))).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf(base, add('inspector', 'us-gov'))).toBeUndefined();
    expect(refusalOf(base, add('seller', 'us-gov'))).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf(base, add('prime', 'us-gov'))).toMatchObject({
      code: 'invalid-event',
      problems: [{ pointer: '/data/role' }],
    });
  });

  test('nobody makes itself, or another, speak for the other side as well', () => {
    const give = (party: string, role: string, by: string) =>
      event('PartyAdded', { party, name: 'n', role, country: 'US' }, { by });
    const primeless = event('PartyRemoved', { party: 'prime-a', role: 'prime', reason: 'x' }, { by: 'jp-mod' });
    const opposed = { code: 'not-permitted', problems: [{ pointer: '/data/role' }] };
    expect(refusalOf([...base, primeless], give('jp-mod', 'prime', 'jp-mod'))).toMatchObject(opposed);
    expect(refusalOf([...base, primeless], give('inspector-a', 'prime', 'us-gov'))).toMatchObject(opposed);
    expect(refusalOf(base, give('jp-mod', 'subcontractor', 'us-gov'))).toMatchObject(opposed);
    for (const party of ['us-gov', 'prime-a', 'sub-a', 'carrier-a'])
      expect(refusalOf(base, give(party, 'inspector', 'us-gov'))).toMatchObject(opposed);
    // Nor by taking the one role away first, but from who has recorded nothing: to name somebody bars it from no role.
    const released = event('PartyRemoved', { party: 'sub-a', role: 'subcontractor', reason: 'x' }, { by: 'us-gov' });
    const worked = event('ManufacturingStarted', { line: '1', site: 'Plant', stage: 'cutting' }, { by: 'sub-a' });
    expect(refusalOf([...base, worked, released], give('sub-a', 'inspector', 'us-gov'))).toMatchObject(opposed);
    expect(refusalOf([...base, released], give('sub-a', 'inspector', 'us-gov'))).toBeUndefined();
    // A buyer inspects, a seller may do the work itself, and who builds may carry.
    expect(refusalOf(base, give('jp-mod', 'inspector', 'jp-mod'))).toBeUndefined();
    expect(refusalOf([...base, primeless], give('us-gov', 'prime', 'us-gov'))).toBeUndefined();
    expect(refusalOf(base, give('sub-a', 'carrier', 'prime-a'))).toBeUndefined();
  });
});

test('a prime whom the buyer alone brought in answers nothing for who delivers', () => {
  const removed = event('PartyRemoved', { party: 'prime-a', role: 'prime', reason: 'x' }, { by: 'jp-mod' });
  const added = (party: string, by: string) =>
    event('PartyAdded', { party, name: 'n', role: 'prime', country: 'JP' }, { by });
  const reported = (delay: string, by: string) =>
    event(
      'DelayReported',
      { delay, cause: { code: 'x', locus: 'buyer', detail: 'x' }, startedOn: '2020-01-20', forecasts: [] },
      { by },
    );
  const raised = event(
    'DiscrepancyRaised',
    { discrepancy: 'R1', kind: 'damage', line: '1', detail: 'x' },
    { by: 'jp-mod' },
  );
  const before = [...base, reported('D1', 'us-gov'), reported('D2', 'jp-mod'), raised, removed];
  const answers = (by: string) => [
    event('DelayResolved', { delay: 'us-gov/D1', resolvedOn: '2020-02-01', actualDays: 0 }, { by }),
    event('DelayAcknowledged', { delay: 'jp-mod/D2' }, { by }),
    event('DiscrepancyAnswered', { discrepancy: 'jp-mod/R1', answer: 'accepted', remedy: 'credit' }, { by }),
  ];
  for (const answer of answers('prime-b')) {
    expect(refusalOf([...before, added('prime-b', 'jp-mod')], answer)).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf([...before, added('prime-b', 'us-gov')], answer)).toBeUndefined();
  }
  for (const answer of answers('prime-a'))
    expect(refusalOf([...before, added('prime-a', 'jp-mod')], answer)).toBeUndefined();
  // Nor one whom the seller took out and the buyer brought back.
  const bySeller = event('PartyRemoved', { party: 'prime-a', role: 'prime', reason: 'x' }, { by: 'us-gov' });
  const without = [...base, reported('D1', 'us-gov'), reported('D2', 'jp-mod'), raised, bySeller];
  for (const answer of answers('prime-a')) {
    expect(refusalOf([...without, added('prime-a', 'jp-mod')], answer)).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf([...without, added('prime-a', 'us-gov')], answer)).toBeUndefined();
  }
});

describe('registration', () => {
  test.each([
    [
      'two buyers',
      { parties: [...registrationData().parties, { party: 'x', name: 'x', role: 'buyer', country: 'JP' }] },
      '/data/parties',
    ],
    [
      'a reserved party',
      { parties: registrationData().parties.map((p) => (p.role === 'prime' ? { ...p, party: 'ledger' } : p)) },
      '/data/parties/2/party',
    ],
    ['a line twice', { lines: [registrationData().lines[0], registrationData().lines[0]] }, '/data/lines/1/line'],
    [
      'a line in another currency',
      { lines: [{ ...registrationData().lines[0], unitValue: { amount: '1', currency: 'JPY' } }] },
      '/data/lines/0/unitValue/currency',
    ],
    [
      'a milestone of no line',
      { milestones: [{ ...registrationData().milestones[0], line: '9' }] },
      '/data/milestones/0/line',
    ],
  ])('%s is refused at its place', (_name, change, pointer) => {
    const sent = registered(change);
    const refusal = play(sent).refusals.get(sent.id);
    expect(refusal?.code).toBe('invalid-registration');
    expect(refusal?.problems.map((problem) => problem.pointer)).toContain(pointer);
  });

  test('only buyer, seller and operator register', () => {
    for (const [by, ok] of [
      ['jp-mod', true],
      ['us-gov', true],
      ['operator', true],
      ['prime-a', false],
    ] as const) {
      const sent = registered({}, { by });
      expect(play(sent).refusals.has(sent.id)).toBe(!ok);
    }
  });

  test('who registered does not confirm; of the operator’s registration both do', () => {
    expect(refusalOf([registered()], confirmed({ by: 'us-gov' }))).toMatchObject({ code: 'not-permitted' });
    const byOperator = registered({}, { by: 'operator' });
    expect(given(byOperator, confirmed()).state.confirmed).toBe(false);
    expect(given(byOperator, confirmed(), confirmed({ by: 'us-gov' })).state.confirmed).toBe(true);
    expect(given(...base).state.confirmed).toBe(true);
  });
});

describe('names inside data', () => {
  test('a line, milestone, party or amendment that the contract never had is refused at its place', () => {
    const cases = [
      [event('ManufacturingStarted', { line: '9', site: 'p', stage: 's' }), '/data/line'],
      [event('ForecastRevised', { milestone: 'X', forecast: '2022-01-01', reason: 'x' }), '/data/milestone'],
      [event('AmendmentAgreed', { amendment: 'X' }, { by: 'jp-mod' }), '/data/amendment'],
      [
        event(
          'ShipmentDispatched',
          {
            shipment: 'S',
            items: [{ line: '1', quantity: 1 }],
            carrier: 'x',
            mode: 'air',
            from: 'a',
            to: 'b',
            eta: '2020-03-01T00:00:00Z',
          },
          { by: 'prime-a' },
        ),
        '/data/carrier',
      ],
    ] as const;
    for (const [sent, pointer] of cases)
      expect(refusalOf(base, sent)).toMatchObject({ code: 'unknown-reference', problems: [{ pointer }] });
  });

  test('ids that are names of an object’s own are ids like any other', () => {
    const lines = [{ ...registrationData().lines[0]!, line: 'constructor' }];
    const odd = [registered({ lines, milestones: [] }), confirmed()];
    expect(
      refusalOf(odd, event('ManufacturingStarted', { line: 'constructor', site: 'p', stage: 's' })),
    ).toBeUndefined();
    expect(refusalOf(odd, event('ManufacturingStarted', { line: 'toString', site: 'p', stage: 's' }))).toMatchObject({
      code: 'unknown-reference',
    });
  });

  test('an id opened twice by its owner is refused, by another party it is another thing', () => {
    const delay = (by: string) =>
      event(
        'DelayReported',
        {
          delay: 'D',
          cause: { code: 'parts', locus: 'subcontractor', detail: 'x' },
          startedOn: '2020-02-01',
          forecasts: [],
        },
        { by },
      );
    expect(refusalOf([...base, delay('us-gov')], delay('us-gov'))).toMatchObject({
      code: 'id-in-use',
      problems: [{ pointer: '/data/delay' }],
    });
    expect(refusalOf([...base, delay('us-gov')], delay('prime-a'))).toBeUndefined();
  });

  test('an answer to what is not there is refused; a resolution of it is recorded', () => {
    expect(refusalOf(base, event('DelayAcknowledged', { delay: 'us-gov/D' }, { by: 'jp-mod' }))).toMatchObject({
      code: 'unknown-reference',
    });
    expect(
      refusalOf(base, event('DelayResolved', { delay: 'D', resolvedOn: '2020-01-31', actualDays: 3 })),
    ).toBeUndefined();
  });

  test('a delay that the buyer reported is acknowledged by seller or prime, any other by the buyer', () => {
    const delay = (by: string) =>
      event(
        'DelayReported',
        { delay: 'D', cause: { code: 'parts', locus: 'buyer', detail: 'x' }, startedOn: '2020-02-01', forecasts: [] },
        { by },
      );
    const acknowledge = (owner: string, by: string) => event('DelayAcknowledged', { delay: `${owner}/D` }, { by });
    expect(refusalOf([...base, delay('jp-mod')], acknowledge('jp-mod', 'jp-mod'))).toMatchObject({
      code: 'not-permitted',
    });
    expect(refusalOf([...base, delay('jp-mod')], acknowledge('jp-mod', 'prime-a'))).toBeUndefined();
    expect(refusalOf([...base, delay('prime-a')], acknowledge('prime-a', 'us-gov'))).toMatchObject({
      code: 'not-permitted',
    });
    expect(refusalOf([...base, delay('prime-a')], acknowledge('prime-a', 'jp-mod'))).toBeUndefined();
  });
});

describe('on behalf of', () => {
  const forecast = (by: string, onbehalfof: string) =>
    event('ForecastRevised', { milestone: 'D1', forecast: '2022-01-01', reason: 'letter' }, { by, onbehalfof });

  test('buyer, seller and prime record for a party under its rights; others do not', () => {
    expect(refusalOf(base, forecast('jp-mod', 'us-gov'))).toBeUndefined();
    expect(refusalOf(base, forecast('prime-a', 'sub-a'))).toBeUndefined();
    expect(refusalOf(base, forecast('sub-a', 'prime-a'))).toMatchObject({
      code: 'not-permitted',
      problems: [{ pointer: '/onbehalfof' }],
    });
    expect(refusalOf(base, forecast('jp-mod', 'inspector-a'))).toMatchObject({ code: 'not-permitted' });
    expect(refusalOf(base, forecast('jp-mod', 'nobody'))).toMatchObject({ code: 'not-permitted' });
  });

  test('nothing has happened on a day to come, nor does a correction say so', () => {
    const reached = (on: string, options: Options = {}) =>
      event('MilestoneReached', { milestone: 'M1', on }, { by: 'prime-a', time: '2020-02-01', ...options });
    const resolved = event('DelayResolved', { delay: 'D', resolvedOn: '2099-01-01', actualDays: 3 });
    const toCome = { code: 'time-in-future' };
    expect(refusalOf(base, reached('2099-01-01'))).toMatchObject({ ...toCome, problems: [{ pointer: '/data/on' }] });
    expect(refusalOf(base, resolved)).toMatchObject({ ...toCome, problems: [{ pointer: '/data/resolvedOn' }] });
    const wrong = reached('2020-02-01', { id: 'r' });
    const corrected = event(
      'EventCorrected',
      { event: { id: 'r' }, reason: 'incorrect-data', replacement: { milestone: 'M1', on: '2099-01-01' } },
      { by: 'prime-a', time: '2020-02-02' },
    );
    expect(refusalOf([...base, wrong], corrected)).toMatchObject({
      ...toCome,
      problems: [{ pointer: '/data/replacement/on' }],
    });
  });

  test('what nobody does for another is never recorded so', () => {
    const inPerson = eventTypes.filter((type) => type.inPersonOnly === true).map(({ type }) => type);
    expect(inPerson.sort()).toEqual([
      'AccountSettled',
      'AmendmentAgreed',
      'AmendmentRefused',
      'ContractClosed',
      'ContractRegistered',
      'DelayAcknowledged',
      'DelayDetermined',
      'DelayResolved',
      'DeliveryAccepted',
      'DeliveryRejected',
      'DiscrepancyAnswered',
      'DiscrepancyClosed',
      'DisputeAnswered',
      'DisputeDecided',
      'DisputeOpened',
      'DisputeWithdrawn',
      'EventCorrected',
      'MitigationAccepted',
      'NonconformanceDispositioned',
      'PartyAdded',
      'PartyRemoved',
      'PaymentMade',
      'QualityCheckRecorded',
      'RegistrationConfirmed',
      'RegistrationContested',
      'ShipmentReceived',
      'StatementMatched',
    ]);
    expect(
      refusalOf(
        base,
        event('AccountSettled', { finalAmount: usd('1'), refund: usd('0') }, { by: 'jp-mod', onbehalfof: 'us-gov' }),
      ),
    ).toMatchObject({ code: 'not-permitted', problems: [{ pointer: '/onbehalfof' }] });
  });

  test('an amendment recorded so binds only when both sides agreed themselves', () => {
    const amended = event(
      'ContractAmended',
      { amendment: 'A', consulted: [], rationale: 'x', adjudicators: [{ party: 'judge', name: 'j', country: 'CH' }] },
      { by: 'jp-mod', onbehalfof: 'us-gov' },
    );
    const agreed = (by: string) => event('AmendmentAgreed', { amendment: 'A' }, { by });
    expect(given(...base, amended, agreed('jp-mod')).state.has('judge', 'adjudicator')).toBe(false);
    expect(given(...base, amended, agreed('jp-mod'), agreed('us-gov')).state.has('judge', 'adjudicator')).toBe(true);
  });
});

describe('amendments', () => {
  const amended = (data: object, by = 'us-gov') =>
    event('ContractAmended', { amendment: 'A', consulted: ['prime-a'], rationale: 'x', ...data }, { by });

  test('only the other side answers', () => {
    const sent = amended({ value: usd('5') });
    expect(refusalOf([...base, sent], event('AmendmentAgreed', { amendment: 'A' }, { by: 'us-gov' }))).toMatchObject({
      code: 'not-permitted',
    });
    expect(refusalOf([...base, sent], event('AmendmentAgreed', { amendment: 'A' }, { by: 'jp-mod' }))).toBeUndefined();
  });

  test.each([
    ['nothing amended', {}, '/data'],
    [
      'a new milestone that is not whole',
      { milestones: [{ milestone: 'N', due: '2022-01-01' }] },
      '/data/milestones/0/milestone',
    ],
    [
      'a re-dating with a description',
      { milestones: [{ milestone: 'D1', due: '2022-01-01', description: 'x' }] },
      '/data/milestones/0',
    ],
    [
      'cancelled and dated',
      { milestones: [{ milestone: 'D1', due: '2022-01-01', cancelled: true }] },
      '/data/milestones/0',
    ],
    ['a new line that is not whole', { lines: [{ line: 'N', quantity: 1 }] }, '/data/lines/0/line'],
    ['another currency', { value: { amount: '1', currency: 'JPY' } }, '/data/value/currency'],
    [
      'an adjudicator with a role',
      { adjudicators: [{ party: 'prime-a', name: 'p', country: 'US' }] },
      '/data/adjudicators/0/party',
    ],
  ])('%s is refused at its place', (_name, data, pointer) => {
    const refusal = refusalOf(base, amended(data));
    expect(refusal?.problems.map((problem) => problem.pointer)).toContain(pointer);
  });

  test('an id is used once, and what was proposed may be spoken of', () => {
    const whole = {
      milestones: [
        { milestone: 'N', kind: 'delivery', description: 'n', due: '2022-01-01', binding: 'firm', line: '2' },
      ],
    };
    expect(refusalOf([...base, amended(whole)], amended({ value: usd('5') }))).toMatchObject({ code: 'id-in-use' });
    const forecast = event('ForecastRevised', { milestone: 'N', forecast: '2022-02-01', reason: 'x' });
    expect(refusalOf([...base, amended(whole)], forecast)).toBeUndefined();
  });
});

describe('corrections', () => {
  const forecast = event(
    'ForecastRevised',
    { milestone: 'D1', forecast: '2022-01-01', reason: 'x' },
    { id: 'f', by: 'prime-a' },
  );
  const history = [...base, forecast];
  const correct = (data: object, by = 'prime-a') => event('EventCorrected', { event: { id: 'f' }, ...data }, { by });
  const replacement = { milestone: 'D1', forecast: '2022-03-01', reason: 'typo' };

  test('the reporter replaces or takes back what it said', () => {
    expect(refusalOf(history, correct({ reason: 'incorrect-data', replacement }))).toBeUndefined();
    expect(refusalOf(history, correct({ reason: 'did-not-occur' }))).toBeUndefined();
  });

  test('nobody else does', () => {
    const other = event(
      'EventCorrected',
      { event: { id: 'f', source: 'urn:waybook:party:prime-a' }, reason: 'did-not-occur' },
      { by: 'us-gov' },
    );
    expect(refusalOf(history, other)).toMatchObject({ code: 'not-permitted', problems: [{ pointer: '/data/event' }] });
  });

  test.each([
    ['no such event', { event: { id: 'nothing' }, reason: 'did-not-occur' }, 'unknown-event', '/data/event'],
    ['no replacement', { reason: 'incorrect-data' }, 'invalid-event', '/data/replacement'],
    [
      'a replacement of what did not occur',
      { reason: 'did-not-occur', replacement },
      'invalid-event',
      '/data/replacement',
    ],
    [
      'a replacement with a bad date',
      { reason: 'incorrect-data', replacement: { ...replacement, forecast: '2022-02-30' } },
      'invalid-event',
      '/data/replacement/forecast',
    ],
    [
      'a replacement with an unknown field',
      { reason: 'incorrect-data', replacement: { ...replacement, extra: 1 } },
      'invalid-event',
      '/data/replacement/extra',
    ],
    [
      'a replacement of an unknown milestone',
      { reason: 'incorrect-data', replacement: { ...replacement, milestone: 'X' } },
      'unknown-reference',
      '/data/replacement/milestone',
    ],
  ])('%s is refused at its place', (_name, data, code, pointer) => {
    expect(refusalOf(history, correct(data))).toMatchObject({ code, problems: [{ pointer }] });
  });

  test('acts are not corrected, nor is a correction', () => {
    const act = event('EventCorrected', { event: { id: base[1]!.id }, reason: 'did-not-occur' }, { by: 'jp-mod' });
    expect(refusalOf(history, act)).toMatchObject({ code: 'not-correctable' });
    const first = correct({ reason: 'incorrect-data', replacement });
    const second = event('EventCorrected', { event: { id: first.id }, reason: 'did-not-occur' }, { by: 'prime-a' });
    expect(refusalOf([...history, first], second)).toMatchObject({ code: 'not-correctable' });
    expect(refusalOf([...history, first], correct({ reason: 'did-not-occur' }))).toBeUndefined();
  });

  test('a replacement keeps the id that the original opened', () => {
    const check = event(
      'QualityCheckRecorded',
      { check: 'Q', line: '1', kind: 'final', standard: 's', quantity: 1, result: 'pass' },
      { by: 'prime-a', id: 'q' },
    );
    const other = event(
      'EventCorrected',
      { event: { id: 'q' }, reason: 'incorrect-data', replacement: { ...(check['data'] as object), check: 'R' } },
      { by: 'prime-a' },
    );
    expect(refusalOf([...base, check], other)).toMatchObject({
      code: 'invalid-event',
      problems: [{ pointer: '/data/replacement' }],
    });
  });

  test('a registration is corrected by who made it until it is confirmed, and is never undone', () => {
    const change = (data: object) => event('EventCorrected', { event: { id: 'registration' }, ...data });
    const better = registrationData({
      title: 'Better',
      parties: registrationData().parties.filter((p) => p.role !== 'carrier'),
    });
    const corrected = change({ reason: 'incorrect-data', replacement: better });
    expect(given(registered(), corrected).state.has('carrier-a', 'carrier')).toBe(false);
    expect(refusalOf([registered()], change({ reason: 'did-not-occur' }))).toMatchObject({ code: 'not-correctable' });
    expect(refusalOf(base, corrected)).toMatchObject({ code: 'not-correctable' });
    const fewer = change({
      reason: 'incorrect-data',
      replacement: registrationData({ lines: registrationData().lines.slice(0, 1) }),
    });
    expect(refusalOf([registered()], fewer)).toMatchObject({ code: 'invalid-event' });
  });
});

describe('time and versions', () => {
  test('an event is at most five minutes ahead of the ledger', () => {
    const ahead = event(
      'ForecastRevised',
      { milestone: 'D1', forecast: '2022-01-01', reason: 'x' },
      { time: '2020-03-01T00:06:00Z', recorded: '2020-03-01T00:00:00Z' },
    );
    expect(refusalOf(base, ahead)).toMatchObject({ code: 'time-in-future', problems: [{ pointer: '/time' }] });
  });

  test('what is stored of an unknown type or version is never folded over', () => {
    expect(() => upcast('Unheard', 1, {})).toThrow(ContractError);
    expect(() => upcast('ForecastRevised', 2, {})).toThrow(expect.objectContaining({ code: 'unknown-version' }));
  });

  test('older data are brought up a version at a time; a version in between that nobody brings up is not known', () => {
    const type = {
      type: 'Weighed',
      version: 3,
      upcasters: {
        1: (data: unknown) => ({ grams: (data as { kilos: number }).kilos * 1_000 }),
        2: (data: unknown) => ({ ...(data as object), scale: 'unknown' }),
      },
    };
    expect(broughtUp(type, 1, { kilos: 2 })).toEqual({ grams: 2_000, scale: 'unknown' });
    expect(broughtUp(type, 2, { grams: 5 })).toEqual({ grams: 5, scale: 'unknown' });
    expect(broughtUp(type, 3, { grams: 5, scale: 'A' })).toEqual({ grams: 5, scale: 'A' });
    for (const version of [0, 4, 1.5])
      expect(() => broughtUp(type, version, {})).toThrow(expect.objectContaining({ code: 'unknown-version' }));
    const gap = { ...type, upcasters: { 1: type.upcasters[1] } };
    expect(() => broughtUp(gap, 1, { kilos: 2 })).toThrow(expect.objectContaining({ code: 'unknown-version' }));
  });

  test('what a decision changed can be taken back whole', () => {
    const { state } = given(...base);
    const before = JSON.stringify(summary(state));
    const mark = state.mark();
    const scratch = given(
      ...base,
      event('PartyAdded', { party: 'new', name: 'n', role: 'carrier', country: 'US' }),
    ).state;
    expect(JSON.stringify(summary(scratch))).not.toBe(before);
    state.grant('new', 'carrier');
    state.addTo(state.lines, 'L');
    state.addSeen(eventKey('s', 'i'), 7);
    state.addOpened('delay', 'p/d', 7);
    state.put(state.amendments, 'A', {
      side: 'buyer',
      secondHand: false,
      adjudicators: [],
      agreedBy: new Set<string>(),
    });
    state.rollback(mark);
    expect(JSON.stringify(summary(state))).toBe(before);
    expect([state.seenAt('s', 'i'), state.openedAt('delay', 'p/d')]).toEqual([undefined, undefined]);
  });
});

function summary(state: ReturnType<typeof given>['state']) {
  return {
    parties: [...state.parties].map(([party, roles]) => [party, [...roles]]),
    lines: [...state.lines],
    milestones: [...state.milestones],
    amendments: [...state.amendments.keys()],
    seen: state.seen.size,
    opened: state.opened.size,
  };
}
