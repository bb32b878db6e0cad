/** What this folder's own controllers offer. */
import { CONTRACT_PARAMETER, POSITION_HEADER, type ApiOperation, type ApiParameter, type ApiPaths } from './api.js';
import { CLOUDEVENT, CLOUDEVENTS_BATCH, JSON_TYPE, NDJSON } from './media-types.js';
import type { ProblemCode } from './problem.js';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string) => ({ [JSON_TYPE]: { schema: ref(name) } });

const IF_MATCH: ApiParameter = {
  name: 'If-Match',
  in: 'header',
  description: 'The revision that the contract is believed to be at, such as `"12"`. Another one answers 412.',
  schema: { type: 'string', pattern: '^"?[0-9]+"?$' },
};
const ATOMIC: ApiParameter = {
  name: 'atomic',
  in: 'query',
  description: 'All events of the batch or none. For a JSON batch of one contract only.',
  schema: { type: 'boolean', default: false },
};

const ETAG = { description: 'The revision of the contract, quoted.', schema: { type: 'string' } } as const;
const RESULTS = { content: json('Results'), headers: { 'Waybook-Position': POSITION_HEADER } };
const WITH_ETAG = { content: json('Results'), headers: { 'Waybook-Position': POSITION_HEADER, ETag: ETAG } };

const REFUSALS: readonly ProblemCode[] = [
  'invalid-json',
  'invalid-event',
  'unknown-type',
  'unknown-version',
  'unknown-contract',
  'not-permitted',
  'unknown-reference',
  'unknown-event',
  'event-id-reused',
  'id-in-use',
  'not-correctable',
  'time-in-future',
  'limit-exceeded',
  'invalid-registration',
  'already-registered',
  'event-too-large',
  'precondition-failed',
  'unsupported-media-type',
  'body-too-large',
  'contended',
  'store-unavailable',
  'append-outcome-unknown',
  'stream-truncated',
  'chain-broken',
  'unknown-type-in-store',
  'unknown-version-in-store',
];

const EVENTS_BODY = {
  required: true,
  content: {
    [CLOUDEVENT]: { schema: ref('Event') },
    [CLOUDEVENTS_BATCH]: { schema: { type: 'array', items: ref('Event'), minItems: 1, maxItems: 1_000 } },
    [NDJSON]: {
      schema: { type: 'string', description: 'One event a line. Every line is answered by one line, in order.' },
    },
  },
} as const;

const RECORDING: Pick<ApiOperation, 'tag' | 'requestBody' | 'responses' | 'problems'> = {
  tag: 'Writing',
  requestBody: EVENTS_BODY,
  responses: {
    '200': {
      description: 'All had been recorded before with the same content. For lines: always, with a result for each.',
      headers: WITH_ETAG.headers,
      content: {
        ...WITH_ETAG.content,
        [NDJSON]: { schema: { type: 'string', description: 'A `LineResult` a line.' } },
      },
    },
    '201': { description: 'All are recorded, or were before.', ...WITH_ETAG },
    '207': { description: 'Some are recorded; each has its own result.', ...RESULTS },
    '422': { description: 'All events of a batch are refused; each has its own result.', ...RESULTS },
    '503': { description: 'None is known to be recorded. Send the same again.', ...RESULTS },
  },
  problems: [
    ...REFUSALS,
    'invalid-batch',
    'too-many-events',
    'duplicate-id-in-batch',
    'atomic-batch-refused',
    'atomic-not-possible',
    'batch-too-large',
    'line-too-large',
    'request-timeout',
    'shutting-down',
  ],
};

export const writingPaths: ApiPaths = {
  '/contracts': {
    post: {
      operationId: 'registerContract',
      tag: 'Writing',
      summary: 'Registers a contract.',
      description:
        'The data of `ContractRegistered` with the id of the contract beside them, or the whole CloudEvent. Sent again ' +
        'with the same content it is answered as a duplicate.',
      parameters: [IF_MATCH],
      requestBody: {
        required: true,
        content: { [JSON_TYPE]: { schema: ref('Registration') }, [CLOUDEVENT]: { schema: ref('Event') } },
      },
      responses: {
        '200': { description: 'It had been registered before with the same content.', ...WITH_ETAG },
        '201': {
          description: 'It is registered.',
          content: json('Results'),
          headers: {
            ...WITH_ETAG.headers,
            Location: { description: 'The address of the contract.', schema: { type: 'string' } },
          },
        },
      },
      problems: REFUSALS,
    },
  },
  '/contracts/{id}/events': {
    post: {
      operationId: 'recordEvents',
      summary: 'Records events on one contract.',
      description:
        'One event, a batch, or a stream of lines that is answered while it is read. Each event gets its own result ' +
        'unless the batch is atomic; the refusal of a single event is the answer’s own problem.',
      parameters: [CONTRACT_PARAMETER, ATOMIC, IF_MATCH],
      ...RECORDING,
    },
  },
  '/events': {
    post: {
      operationId: 'recordManyEvents',
      summary: 'Records events on many contracts, each named by `subject`.',
      parameters: [ATOMIC, IF_MATCH],
      ...RECORDING,
    },
  },
};

export const feedPaths: ApiPaths = {
  '/events': {
    get: {
      operationId: 'readFeed',
      tag: 'Reading',
      summary: 'Every event of every contract, in global order, one a line.',
      description:
        'For other systems that follow the ledger. `effective`, `correctedBy` and `flags` depend on events that may come ' +
        'later, so they are null here; the history of a contract has them. With `follow=true` the answer stays open and ' +
        'new events are added as they are recorded, with an empty line every 15 seconds of silence. Go on later from the ' +
        '`position` of the last line. Should the store fail after the first line, the last line holds only `problem`.',
      parameters: [
        {
          name: 'after',
          in: 'query',
          description: 'The position after which to begin; left out, the beginning.',
          schema: ref('Position'),
        },
        {
          name: 'follow',
          in: 'query',
          description: 'Whether to go on with new events.',
          schema: { type: 'boolean', default: false },
        },
        {
          name: 'limit',
          in: 'query',
          description: 'End after so many events.',
          schema: { type: 'integer', minimum: 1 },
        },
      ],
      responses: {
        '200': {
          description: 'Lines of `FeedLine`. The header tells the position of the last event when the answer began.',
          headers: { 'Waybook-Position': POSITION_HEADER },
          content: { [NDJSON]: { schema: { type: 'string', description: 'A `FeedLine` a line.' } } },
        },
      },
      problems: ['invalid-query', 'not-acceptable', 'store-unavailable', 'chain-broken'],
    },
  },
};

export const runningPaths: ApiPaths = {
  '/health': {
    get: {
      operationId: 'health',
      tag: 'Running',
      summary: 'Whether the ledger serves, its clock, and how far each projection is.',
      responses: {
        '200': { description: 'It serves; `degraded` where some answers are old.', content: json('Health') },
        '503': { description: 'It does not.', content: json('Health') },
      },
      problems: [],
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      tag: 'Running',
      summary: 'Metrics in the text format of Prometheus.',
      responses: { '200': { description: 'The metrics.', content: { 'text/plain': { schema: { type: 'string' } } } } },
      problems: [],
    },
  },
  '/clock': {
    post: {
      operationId: 'stepClock',
      tag: 'Running',
      summary: 'Moves the clock of a demonstration on, day by day.',
      description: 'Answers once everything that is due on each day passed has been done.',
      requestBody: { required: true, content: json('ClockStep') },
      responses: {
        '200': {
          description: 'Where the clock stands now, and the position of the last event that is recorded by then.',
          headers: { 'Waybook-Position': POSITION_HEADER },
          content: json('ClockStood'),
        },
      },
      problems: ['invalid-json', 'invalid-body', 'clock-not-stepped', 'clock-goes-back', 'unsupported-media-type'],
    },
  },
  '/docs': {
    get: {
      operationId: 'documentation',
      tag: 'Running',
      summary: 'This description as a page.',
      responses: { '200': { description: 'The page.', content: { 'text/html': { schema: { type: 'string' } } } } },
      problems: [],
    },
  },
  '/docs/openapi.json': {
    get: {
      operationId: 'openApi',
      tag: 'Running',
      summary: 'This description as OpenAPI 3.1.',
      responses: { '200': { description: 'The document.', content: { [JSON_TYPE]: { schema: { type: 'object' } } } } },
      problems: [],
    },
  },
};
