/**
 * From a CloudEvent as a client sends it to an event that can be decided: the envelope checked attribute by attribute,
 * the payload by its class. Nothing here looks at a contract.
 */
import type { Clock } from '../clock.js';
import { definitionOf, eventTypes, upcast } from '../contract/contract.js';
import { isInstant } from '../contract/calendar.js';
import { FIELD_KINDS, isPlainObject, type FieldKind } from '../contract/fields.js';
import { refuse, refuseField, type ProposedEvent, type Refusal } from '../contract/event-type.js';
import { eventKey } from '../contract/state.js';
import type { NameKey } from '../contract/id-table.js';
import { pointerToken, validatePayload, type FieldProblem } from '../contract/validation.js';
import { canonicalJson } from '../evidence/canonical.js';
import type { CloudEventAttributes } from '../evidence/record.js';

export const PARTY_URN = 'urn:waybook:party:';
const SOURCE = /^urn:waybook:party:([A-Za-z0-9][A-Za-z0-9._-]{0,127})(?::[A-Za-z0-9][A-Za-z0-9._-]{0,127})?$/;

/** An event whose shape is right, ready to be decided. */
export interface IncomingEvent {
  /** As sent, with `subject` always. */
  readonly attributes: CloudEventAttributes;
  readonly canonicalData: string;
  /** 1 where the sender left it out. */
  readonly version: number;
  readonly proposed: ProposedEvent<object>;
  /** Key of its name within its contract. */
  readonly name: NameKey;
}

type Envelope = Readonly<Record<string, unknown>>;

const SET_BY_LEDGER = new Set(['recordedtime', 'revision', 'position', 'reporter']);
const NOT_YET = new Set(['nonce', 'signature']);

interface Attribute {
  readonly required: boolean;
  readonly check: (value: unknown) => boolean;
  readonly message: string;
}
const of = (kind: FieldKind, required: boolean): Attribute => ({ required, check: kind.check, message: kind.message });

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  specversion: { required: true, check: (value) => value === '1.0', message: 'must be "1.0"' },
  id: of(FIELD_KINDS.token, true),
  source: {
    required: true,
    check: (value) => typeof value === 'string' && SOURCE.test(value),
    message: `must be ${PARTY_URN}PARTY or ${PARTY_URN}PARTY:SYSTEM`,
  },
  type: {
    required: true,
    check: (value) => typeof value === 'string' && value !== '',
    message: 'must be an event type',
  },
  time: { required: true, check: isInstant, message: FIELD_KINDS.instant.message },
  subject: of(FIELD_KINDS.id, false),
  datacontenttype: {
    required: false,
    check: (value) => value === 'application/json',
    message: 'may only be "application/json"',
  },
  correlationid: of(FIELD_KINDS.token, false),
  causationid: of(FIELD_KINDS.token, false),
  onbehalfof: of(FIELD_KINDS.id, false),
  version: {
    required: false,
    check: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 1,
    message: 'must be a whole number from 1',
  },
  data: { required: true, check: isPlainObject, message: 'must be an object' },
};
const REQUIRED = Object.entries(ATTRIBUTES).flatMap(([name, { required }]) => (required ? [name] : []));

function attributeProblems(sent: Envelope): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const name of REQUIRED)
    if (!Object.hasOwn(sent, name)) problems.push({ pointer: `/${name}`, detail: 'is missing' });
  for (const name of Object.keys(sent)) {
    const detail = wrongAttribute(name, sent[name]);
    if (detail !== undefined) problems.push({ pointer: `/${pointerToken(name)}`, detail });
  }
  return problems;
}

function wrongAttribute(name: string, value: unknown): string | undefined {
  const attribute = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
  if (attribute !== undefined) return attribute.check(value) ? undefined : attribute.message;
  if (SET_BY_LEDGER.has(name)) return 'is set by the ledger and never sent';
  if (NOT_YET.has(name)) return 'is not taken yet: this ledger knows no keys of parties';
  return 'is not an attribute of an event';
}

/**
 * Checks an event and makes it ready. `contract` is the id that the path of the request gives; a `subject` that
 * contradicts it is refused, one left out is filled in.
 */
export function checkEvent(sent: unknown, contract: string | undefined): IncomingEvent | Refusal {
  if (!isPlainObject(sent)) return refuseField('invalid-event', '', 'must be a CloudEvent as a JSON object');
  const problems = attributeProblems(sent);
  if (problems.length > 0) return refuse('invalid-event', 'the envelope is not right', problems);
  const subject = (sent['subject'] as string | undefined) ?? contract;
  if (subject === undefined) return refuseField('invalid-event', '/subject', 'is missing: the id of the contract');
  if (contract !== undefined && subject !== contract)
    return refuseField('invalid-event', '/subject', `must be ${contract}, as in the path, or be left out`);
  const type = sent['type'] as string;
  const definition = definitionOf(type);
  if (definition === undefined)
    return refuseField('unknown-type', '/type', `must be one of ${eventTypes.map((known) => known.type).join(', ')}`);
  const version = (sent['version'] as number | undefined) ?? 1;
  if (version > definition.version)
    return refuseField('unknown-version', '/version', `must be at most ${definition.version} for ${type}`);
  const brought = broughtUp(type, version, sent['data'] as object);
  if (brought === undefined) return refuseField('invalid-event', '/data', `is no ${type} of version ${version}`);
  const wrong = validatePayload(definition.payload, brought);
  if (wrong.length > 0)
    return refuse(
      'invalid-event',
      `the data are no ${type}`,
      wrong.map(({ pointer, detail }) => ({ pointer: `/data${pointer}`, detail })),
    );
  return ready(sent, subject, version, brought);
}

/** Data of an older version; what its upcaster cannot read is no such data. */
function broughtUp(type: string, version: number, data: object): object | undefined {
  try {
    return upcast(type, version, data) as object;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function ready(sent: Envelope, subject: string, version: number, data: object): IncomingEvent {
  const source = sent['source'] as string;
  const reporter = SOURCE.exec(source)![1]!;
  const onBehalfOf = sent['onbehalfof'] as string | undefined;
  // Taken apart, not copied and `data` deleted: a deletion would turn the copy into a hash table.
  const { data: sentData, ...others } = sent;
  const attributes = { ...others, subject } as unknown as CloudEventAttributes;
  const { id, type, time } = attributes;
  return {
    attributes,
    canonicalData: canonicalJson(sentData),
    version,
    proposed: {
      contract: subject,
      id,
      source,
      type,
      version,
      time,
      reporter,
      onBehalfOf,
      party: onBehalfOf ?? reporter,
      data,
    },
    name: eventKey(source, id),
  };
}

export const isRefusal = (checked: IncomingEvent | Refusal): checked is Refusal => 'code' in checked;

/** Same type, version, time, other attributes and canonical data: the same event sent again. */
export function sameContent(
  sent: Pick<IncomingEvent, 'attributes' | 'canonicalData'>,
  stored: { readonly attributes: CloudEventAttributes; readonly dataText: string },
): boolean {
  return sent.canonicalData === stored.dataText && comparable(sent.attributes) === comparable(stored.attributes);
}

/** Left out and said to be what leaving out means are the same. */
const comparable = ({ version = 1, datacontenttype = 'application/json', ...others }: CloudEventAttributes): string =>
  canonicalJson({ ...others, version, datacontenttype });

/** What the shell takes from outside besides the store. */
export interface Outside {
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
}
