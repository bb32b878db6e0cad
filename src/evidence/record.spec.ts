import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { canonicalJson } from './canonical.js';
import { EvidenceError } from './errors.js';
import { Frontier } from './merkle.js';
import {
  dataHash,
  decodeEvent,
  eventId,
  metadataText,
  recordOf,
  sealEvent,
  signedForm,
  type CloudEventAttributes,
  type EventToDecode,
  type RecordInput,
} from './record.js';

const notCanonical = expect.objectContaining({ code: 'not-canonical' });

/** Two events whose bytes were computed by another program (Python's hashlib and json) and must never change. */
const FIRST: RecordInput = {
  attributes: {
    specversion: '1.0',
    id: 'evt-1',
    source: 'urn:waybook:party:acme:erp',
    type: 'DelayReported',
    time: '2024-03-01T08:00:00+01:00',
    subject: 'FMS-1',
    correlationid: 'c-1',
    version: 2,
  },
  canonicalData: String.raw`{"amount":{"amount":"12.50","currency":"USD"},"note":"café 🚚 \"late\"\n"}`,
  nonce: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'),
  revision: 0n,
  recordedtime: '2024-03-01T07:00:01.250Z',
  reporter: 'acme',
  version: 2,
};
const SECOND: RecordInput = {
  attributes: {
    specversion: '1.0',
    id: 'evt-2',
    source: 'urn:waybook:party:acme',
    type: 'MilestoneReached',
    time: '2024-03-02T00:00:00Z',
    subject: 'FMS-1',
    datacontenttype: 'application/json',
    causationid: 'evt-1',
    onbehalfof: 'urn:waybook:party:bolt',
  },
  canonicalData: '{}',
  nonce: Buffer.from('101112131415161718191a1b1c1d1e1f', 'hex'),
  revision: 1n,
  recordedtime: '2024-03-02T00:00:00.000Z',
  reporter: 'acme',
  version: 1,
  credential: 'https://idp.example user-7',
  signature: 'eyJhbGciOiJFZERTQSJ9..c2ln',
};

describe('the golden events', () => {
  const first = sealEvent(FIRST);
  const second = sealEvent(SECOND);
  const root = Frontier.empty.append(first.leaf).append(second.leaf).root();

  test('the first, with text beyond ASCII', () => {
    expect(dataHash(FIRST.nonce, FIRST.canonicalData)).toBe('bGR2HGLFtc-rfwUzHUb0Jy_Bb-cc1xhaCjRjYYnhXMs');
    expect(signedForm(FIRST.attributes, 'bGR2HGLFtc-rfwUzHUb0Jy_Bb-cc1xhaCjRjYYnhXMs')).toBe(
      '{"correlationid":"c-1","datahash":"bGR2HGLFtc-rfwUzHUb0Jy_Bb-cc1xhaCjRjYYnhXMs","id":"evt-1",' +
        '"source":"urn:waybook:party:acme:erp","specversion":"1.0","subject":"FMS-1",' +
        '"time":"2024-03-01T08:00:00+01:00","type":"DelayReported","version":2}',
    );
    expect(first.record).toBe(
      '{"event":{"correlationid":"c-1","datahash":"bGR2HGLFtc-rfwUzHUb0Jy_Bb-cc1xhaCjRjYYnhXMs","id":"evt-1",' +
        '"source":"urn:waybook:party:acme:erp","specversion":"1.0","subject":"FMS-1",' +
        '"time":"2024-03-01T08:00:00+01:00","type":"DelayReported","version":2},' +
        '"recordedtime":"2024-03-01T07:00:01.250Z","reporter":"acme","revision":0,"version":2}',
    );
    expect(hexOf(first.leaf)).toBe('87b568733472b781a0c430d75c816433e7978fdce96346574894ec77d2e7fd33');
    expect(first.id).toBe('87b56873-3472-8781-a0c4-30d75c816433');
    expect(first.nonce).toBe('AAECAwQFBgcICQoLDA0ODw');
    expect(Frontier.empty.append(first.leaf).root().toString('base64url')).toBe(
      'h7VoczRyt4GgxDDXXIFkM-eXj9zpY0ZXSJTsd9Ln_TM',
    );
  });

  test('the second, with every optional member', () => {
    expect(second.record).toBe(
      '{"credential":"https://idp.example user-7","event":{"causationid":"evt-1",' +
        '"datacontenttype":"application/json","datahash":"X3ITwr8zfwiGgojZPChWfAMgu9HPWA4nFIlvcvbmQgM","id":"evt-2",' +
        '"onbehalfof":"urn:waybook:party:bolt","source":"urn:waybook:party:acme","specversion":"1.0",' +
        '"subject":"FMS-1","time":"2024-03-02T00:00:00Z","type":"MilestoneReached"},' +
        '"recordedtime":"2024-03-02T00:00:00.000Z","reporter":"acme","revision":1,' +
        '"signature":"eyJhbGciOiJFZERTQSJ9..c2ln","version":1}',
    );
    expect(hexOf(second.leaf)).toBe('a063b8ef2584a69c2b61f560b4a0a5514789445d8c4be7c78ad059e6b580f0dd');
    expect(second.id).toBe('a063b8ef-2584-869c-ab61-f560b4a0a551');
    expect(root.toString('base64url')).toBe('odKX_XluKwIRNet9A3teG2foJW0uBMp9F_Wf5KjDqNA');
  });

  test('their metadata', () => {
    expect(metadataText({ record: '{"a":"\\n"}', nonce: 'AAECAwQFBgcICQoLDA0ODw' })).toBe(
      String.raw`{"nonce":"AAECAwQFBgcICQoLDA0ODw","record":"{\"a\":\"\\n\"}"}`,
    );
    const text = metadataText(second, root);
    expect(text).toBe(canonicalJson({ record: second.record, nonce: second.nonce, root: root.toString('base64url') }));
  });
});

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const attributes = fc.record(
  {
    specversion: fc.constant('1.0' as const),
    id: text,
    source: text,
    type: text,
    time: text,
    subject: text,
    datacontenttype: text,
    correlationid: text,
    causationid: text,
    onbehalfof: text,
    version: fc.nat(),
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type', 'time', 'subject'] },
) as fc.Arbitrary<CloudEventAttributes>;
const recordInput = fc
  .record(
    {
      attributes,
      canonicalData: fc.dictionary(text, text).map((data) => canonicalJson(data)),
      nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      revision: fc.bigInt(0n, 2n ** 53n - 1n),
      recordedtime: fc
        .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      reporter: text,
      credential: text,
      signature: text,
    },
    { requiredKeys: ['attributes', 'canonicalData', 'nonce', 'revision', 'recordedtime', 'reporter'] },
  )
  .map((input): RecordInput => ({ ...input, version: input.attributes.version ?? 1 }));

const hexOf = (digest: string): string => Buffer.from(digest, 'latin1').toString('hex');

describe('sealEvent', () => {
  test('its templates write the canonical form of the record', () => {
    fc.assert(
      fc.property(recordInput, (input) => {
        const { attributes, canonicalData, nonce, revision, ...frame } = input;
        const datahash = createHash('sha256').update(nonce).update(canonicalData, 'utf8').digest('base64url');
        const event = { ...attributes, datahash };
        const sealed = sealEvent(input);
        expect(signedForm(attributes, datahash)).toBe(canonicalize(event));
        expect(sealed.record).toBe(canonicalize({ ...frame, revision: Number(revision), event }));
        expect(hexOf(sealed.leaf)).toBe(createHash('sha256').update('\0').update(sealed.record, 'utf8').digest('hex'));
        expect(sealed.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(Buffer.from(sealed.nonce, 'base64url')).toEqual(Buffer.from(nonce));
      }),
    );
  });

  test.each<[string, Partial<Omit<RecordInput, 'attributes'>>, Partial<CloudEventAttributes>]>([
    ['a nonce of 15 bytes', { nonce: Buffer.alloc(15) }, {}],
    ['a recordedtime without milliseconds', { recordedtime: '2024-03-01T07:00:01Z' }, {}],
    ['a recordedtime with an offset', { recordedtime: '2024-03-01T07:00:01.000+01:00' }, {}],
    ['a version other than the event has', { version: 3 }, {}],
    ['a version that is no integer', { version: 1.5 }, { version: 1.5 }],
    ['a revision past 2^53 - 1', { revision: 2n ** 53n }, {}],
    ['a negative revision', { revision: -1n }, {}],
    ['a lone surrogate', {}, { subject: '\ud800' }],
    ['an attribute that is missing', {}, { time: undefined as unknown as string }],
  ])('refuses %s', (_, change, attributes) => {
    const input = { ...FIRST, ...change, attributes: { ...FIRST.attributes, ...attributes } };
    expect(() => sealEvent(input)).toThrow(notCanonical);
  });
});

test('dataHash is the same for data longer than its scratch buffer', () => {
  for (const length of [5_000, 5_456, 5_457, 100_000]) {
    const data = `{"a":"${'é€🚚x'.repeat(length / 5)}"}`;
    const expected = createHash('sha256').update(FIRST.nonce).update(data).digest('base64url');
    expect(dataHash(FIRST.nonce, data)).toBe(expected);
  }
});

test('eventId sets the version and the variant and keeps the other 122 bits', () => {
  const ids = (byte: number) => eventId(String.fromCharCode(byte).repeat(32));
  expect(ids(0x00)).toBe('00000000-0000-8000-8000-000000000000');
  expect(ids(0xff)).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff');
  expect(ids(0x5a)).toBe('5a5a5a5a-5a5a-8a5a-9a5a-5a5a5a5a5a5a');
});

function stored(input: RecordInput): EventToDecode {
  const sealed = sealEvent(input);
  return {
    stream: 'contract-FMS-1',
    revision: BigInt(input.revision),
    position: 7n,
    id: sealed.id,
    type: input.attributes.type,
    data: input.canonicalData,
    metadata: metadataText(sealed),
  };
}

describe('decodeEvent', () => {
  test('gives back what was sealed', () => {
    fc.assert(
      fc.property(recordInput, (input) => {
        const event = stored(input);
        const { record, nonce } = sealEvent(input);
        expect(decodeEvent(event)).toStrictEqual({
          stream: 'contract-FMS-1',
          revision: input.revision,
          position: 7n,
          storeId: event.id,
          attributes: { ...input.attributes },
          data: JSON.parse(input.canonicalData),
          dataText: input.canonicalData,
          version: input.version,
          recordedtime: input.recordedtime,
          reporter: input.reporter,
          credential: input.credential,
          signature: input.signature,
          metadata: event.metadata,
          nonce,
          root: undefined,
        });
        expect(recordOf(event)).toBe(record);
      }),
    );
  });

  test('gives the same whether the metadata are as the ledger writes them or spelt otherwise', () => {
    fc.assert(
      fc.property(recordInput, fc.boolean(), (input, last) => {
        const sealed = sealEvent(input);
        const metadata = metadataText(sealed, last ? Buffer.from(sealed.leaf, 'latin1') : undefined);
        // Another order of members: not the form that is decoded in one step.
        const { nonce, record, ...root } = JSON.parse(metadata) as Record<string, string>;
        const turned = JSON.stringify({ ...root, record, nonce });
        const decoded = decodeEvent({ ...stored(input), metadata });
        expect(decoded.root).toBe(last ? Buffer.from(sealed.leaf, 'latin1').toString('base64url') : undefined);
        expect(decodeEvent({ ...stored(input), metadata: turned })).toStrictEqual({ ...decoded, metadata: turned });
      }),
    );
  });

  test('gives the root of the last event of an append', () => {
    const sealed = sealEvent(FIRST);
    const event = { ...stored(FIRST), metadata: metadataText(sealed, Buffer.from(sealed.leaf, 'latin1')) };
    expect(decodeEvent(event).root).toBe(Buffer.from(sealed.leaf, 'latin1').toString('base64url'));
  });

  /** The first event with its record, or its metadata, changed by hand. */
  const withRecord = (change: object): Partial<EventToDecode> => {
    const { record, nonce } = sealEvent(FIRST);
    const changed = JSON.stringify({ ...(JSON.parse(record) as object), ...change });
    return { metadata: metadataText({ record: changed, nonce }) };
  };
  const withEvent = (change: object) => {
    const { event } = JSON.parse(sealEvent(FIRST).record) as { event: object };
    return withRecord({ event: { ...event, ...change } });
  };
  const withMetadata = (change: object): Partial<EventToDecode> => {
    const { record, nonce } = sealEvent(FIRST);
    return { metadata: JSON.stringify({ record, nonce, ...change }) };
  };

  test.each<[string, Partial<EventToDecode>, string, string]>([
    ['metadata', { metadata: '{' }, 'JSON', '{'],
    ['metadata', { metadata: '[]' }, 'an object', '[]'],
    ['metadata', { metadata: '{}' }, 'nonce, record and perhaps root', ''],
    ['metadata', withMetadata({ more: 1 }), 'nonce, record and perhaps root', 'record, nonce, more'],
    ['metadata.record', withMetadata({ record: 5 }), 'a string', '5'],
    ['metadata.nonce', withMetadata({ nonce: null }), 'a string', 'null'],
    ['metadata.root', withMetadata({ root: [] }), 'a string', '[]'],
    ['record', withMetadata({ record: 'x' }), 'JSON', 'x'],
    ['record', withMetadata({ record: 'null' }), 'an object', 'null'],
    ['data', { data: '{"a":' }, 'JSON', '{"a":'],
    ['type', { type: 'DeliveryAccepted' }, 'DelayReported', 'DeliveryAccepted'],
    ['record.event', withRecord({ event: 'x' }), 'an object', '"x"'],
    ['record.event.specversion', withEvent({ specversion: '1.1' }), '1.0', '"1.1"'],
    ['record.event.id', withEvent({ id: 1 }), 'a string', '1'],
    ['record.event.source', withEvent({ source: undefined }), 'a string', 'absent'],
    ['record.event.correlationid', withEvent({ correlationid: null }), 'a string', 'null'],
    ['record.event.version', withEvent({ version: '2' }), 'a number', '"2"'],
    ['record.version', withRecord({ version: undefined }), 'a number', 'absent'],
    ['record.recordedtime', withRecord({ recordedtime: 0 }), 'a string', '0'],
    ['record.reporter', withRecord({ reporter: {} }), 'a string', '{}'],
    ['record.credential', withRecord({ credential: true }), 'a string', 'true'],
    ['record.signature', withRecord({ signature: 1 }), 'a string', '1'],
  ])('refuses a wrong shape of %s (%j)', (field, change, expected, found) => {
    const decode = () => decodeEvent({ ...stored(FIRST), ...change });
    const stream = 'contract-FMS-1';
    expect(decode).toThrow(
      expect.objectContaining({ code: 'chain-broken', stream, revision: 0n, field, expected, found }),
    );
  });

  test('keeps long texts out of the message', () => {
    const data = `{"a":${'x'.repeat(10_000)}`;
    let error: unknown;
    try {
      decodeEvent({ ...stored(FIRST), data });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(EvidenceError);
    expect((error as EvidenceError).found).toBe(data);
    expect((error as EvidenceError).message.length).toBeLessThan(300);
  });
});
