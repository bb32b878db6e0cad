/**
 * Three things an auditor wants to know, asked of a running ledger and written as short lines for a terminal: what is
 * late, what happened on one contract, and what was known of it two years earlier.
 */
import { moneyOf, minorUnits } from '../contract/money.js';
import { AUDIT_PROGRAMME } from './audit-programme.js';
import { STORY_CONTRACT } from './e2d-support.js';
import { gistOf } from './gist.js';
import { ask, DemoError, isObject, listOf, numberOf, problemText, quantityOf, textOf, type Json } from './http.js';
import { DEMO_LAST_DAY } from './script.js';

export interface AnswerOptions {
  /** Position that the read models must have got to; the `position` of feeding. */
  readonly after?: string | undefined;
}

/** How often a read model that has not got there in time is asked again. */
const PATIENCE = 12;
const PAGE = 500;

/** The path that is asked, for somebody who wants to ask the same. */
export const LATE_PATH = `/contracts?status=late&programme=${AUDIT_PROGRAMME}&sort=-undeliveredValue&limit=10&on=${DEMO_LAST_DAY}`;
export const HISTORY_PATH = `/contracts/${STORY_CONTRACT}/history?order=recorded`;
/** Two years before the demo's last day. */
export const EARLIER = '2024-01-16T00:00:00Z';
export const SCHEDULE_PATH = `/contracts/${STORY_CONTRACT}/schedule`;
export const EARLIER_PATH = `${SCHEDULE_PATH}?asOf=${EARLIER}`;
const CONTRACT_PATH = `/contracts/${STORY_CONTRACT}`;

const withParameter = (path: string, name: string, value: string | undefined): string =>
  value === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;

/** @throws DemoError `refused`, `unexpected-answer`, `unreachable` */
async function get(baseUrl: string, path: string, { after }: AnswerOptions = {}): Promise<Json> {
  const asked = withParameter(path, 'after', after);
  for (let attempt = 1; ; attempt += 1) {
    const { status, body } = await ask(baseUrl, asked);
    if (status === 504 && attempt < PATIENCE) continue; // the ledger itself has waited some seconds
    if (status !== 200)
      throw new DemoError('refused', `GET ${asked}: ${problemText(body)}`, { problem: textOf(body, 'code') });
    if (!isObject(body)) throw new DemoError('unexpected-answer', `GET ${asked}: the answer is no object`);
    return body;
  }
}

/** All entries of a paged list. */
async function getAll(baseUrl: string, path: string, list: string, options: AnswerOptions): Promise<unknown[]> {
  const found: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await get(
      baseUrl,
      withParameter(withParameter(path, 'limit', String(PAGE)), 'cursor', cursor),
      options,
    );
    found.push(...listOf(page, list));
    cursor = textOf(page, 'next');
  } while (cursor !== undefined);
  return found;
}

// What is late

interface Row {
  readonly contract: string;
  readonly title: string;
  readonly signedOn: string;
  readonly status: string;
  readonly lateDays: number | undefined;
  readonly ageYears: number | undefined;
  readonly undelivered: { readonly amount: string; readonly currency: string };
}

function rowOf(entry: unknown): Row {
  const contract = textOf(entry, 'contract');
  const value = isObject(entry) ? entry['undeliveredValue'] : undefined;
  const amount = textOf(value, 'amount');
  const currency = textOf(value, 'currency');
  if (contract === undefined || amount === undefined || currency === undefined)
    throw new DemoError('unexpected-answer', 'GET /contracts: an entry has no contract or no undeliveredValue');
  return {
    contract,
    title: textOf(entry, 'title') ?? '',
    signedOn: textOf(entry, 'signedOn') ?? '',
    status: textOf(entry, 'status') ?? '',
    lateDays: numberOf(entry, 'lateDays'),
    ageYears: numberOf(entry, 'ageYears'),
    undelivered: { amount, currency },
  };
}

/** Sums by currency: currencies are never added together. */
function sums(rows: readonly Row[]): string {
  const byCurrency = new Map<string, bigint>();
  for (const { undelivered } of rows)
    byCurrency.set(undelivered.currency, (byCurrency.get(undelivered.currency) ?? 0n) + minorUnits(undelivered));
  return [...byCurrency]
    .map(([currency, minor]) => `${grouped(moneyOf(minor, currency).amount)} ${currency}`)
    .join(', ');
}

/** `1140000000000` as `1,140,000,000,000`; decimals stay as they are. */
function grouped(amount: string): string {
  const [whole = '', fraction] = amount.split('.');
  const digits = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? digits : `${digits}.${fraction}`;
}

/** The late contracts of the audit programme with the most undelivered, and the totals of the programme. */
export async function whatIsLate(baseUrl: string, options: AnswerOptions = {}): Promise<string[]> {
  const page = await get(baseUrl, LATE_PATH, options);
  const shown = listOf(page, 'contracts').map(rowOf);
  const all = (
    await getAll(baseUrl, `/contracts?programme=${AUDIT_PROGRAMME}&on=${DEMO_LAST_DAY}`, 'contracts', options)
  ).map(rowOf);
  const late = all.filter(({ status }) => status === 'late');
  const old = all.filter(({ ageYears }) => ageYears !== undefined && ageYears >= 5);
  return [
    `Late on ${DEMO_LAST_DAY}, programme ${AUDIT_PROGRAMME}`,
    `${old.length} contracts are undelivered more than five years after signature: ${sums(old)}`,
    `${late.length} of ${all.length} are late: ${sums(late)}. The ${shown.length} with the most undelivered:`,
    '',
    ...table(
      ['contract', 'signed', 'years', 'days late', 'undelivered', 'title'],
      shown.map(({ contract, signedOn, ageYears, lateDays, undelivered, title }) => [
        contract,
        signedOn,
        String(ageYears ?? '-'),
        String(lateDays ?? '-'),
        `${grouped(undelivered.amount)} ${undelivered.currency}`,
        shortened(title, 44),
      ]),
      ['years', 'days late', 'undelivered'],
    ),
  ];
}

// What happened on one contract

/**
 * One line for each event in the order in which the ledger heard of it. `*` marks what a later correction replaced or
 * took back, `+n` the days it came late.
 */
export async function oneHistory(baseUrl: string, options: AnswerOptions = {}): Promise<string[]> {
  const events = await getAll(baseUrl, HISTORY_PATH, 'events', options);
  const rows = events.map((event) => {
    const [type = '?', recorded = '', time = ''] = ['type', 'recordedtime', 'time'].map((name) => textOf(event, name));
    const corrected = isObject(event) && isObject(event['correctedBy']);
    return {
      type,
      line: [
        recorded.slice(0, 10),
        time.slice(0, 10),
        lateness(time, recorded),
        reporterOf(event, 'reporter'),
        corrected ? `${type} *` : type,
        shortened(gistOf(type, isObject(event) ? event['data'] : undefined), 72),
      ],
    };
  });
  return [
    `History of ${STORY_CONTRACT}: ${events.length} events in the order in which the ledger heard of them`,
    '',
    ...table(
      ['recorded', 'happened', 'days', 'reporter', 'event', ''],
      rows.map(({ line }) => line),
      ['days'],
    ),
    '',
    '* corrected later; both versions stay on record',
  ];
}

/** Who sent it and, where it was not in its own name, for whom. */
function reporterOf(entry: unknown, name: 'by' | 'reporter'): string {
  const reporter = textOf(entry, name) ?? '?';
  const onBehalfOf = textOf(entry, 'onBehalfOf');
  return onBehalfOf === undefined ? reporter : `${reporter} for ${onBehalfOf}`;
}

const DAY_MS = 86_400_000;

/** Days between what happened and its recording; nothing for a day. */
function lateness(time: string, recorded: string): string {
  const days = Math.floor((Date.parse(recorded.slice(0, 10)) - Date.parse(time.slice(0, 10))) / DAY_MS);
  return Number.isNaN(days) || days === 0 ? '' : `+${days}`;
}

// What was known two years earlier

/** The dates of the contract's deliveries now beside those known earlier, and who moved them. */
export async function thenAndNow(baseUrl: string, options: AnswerOptions = {}): Promise<string[]> {
  const [then, now] = [await get(baseUrl, EARLIER_PATH), await get(baseUrl, SCHEDULE_PATH, options)];
  const earlier = new Map(listOf(then, 'milestones').map((milestone) => [textOf(milestone, 'milestone'), milestone]));
  const today = textOf(now, 'on') ?? DEMO_LAST_DAY;
  const milestones = listOf(now, 'milestones').filter((milestone) => textOf(milestone, 'kind') === 'delivery');
  const date = (milestone: unknown, name: string): string => textOf(milestone, name) ?? '-';
  const days = (milestone: unknown): string => String(numberOf(milestone, 'slipDays') ?? '-');
  const dates = milestones.flatMap((milestone) => {
    const id = textOf(milestone, 'milestone') ?? '?';
    const before = earlier.get(id);
    const columns = (of: unknown) => [
      date(of, 'baseline'),
      date(of, 'agreed'),
      date(of, 'imposed'),
      date(of, 'standing'),
      date(of, 'actual'),
      days(of),
    ];
    return [
      ...(before === undefined ? [] : [[id, EARLIER.slice(0, 10), ...columns(before)]]),
      [before === undefined ? id : '', today, ...columns(milestone)],
    ];
  });
  const moves = milestones.flatMap((milestone) => movesOf(milestone));
  const stages = await stagesOf(baseUrl, options);
  return [
    `Deliveries of ${STORY_CONTRACT}: as known on ${EARLIER.slice(0, 10)}, and as known on ${today}`,
    '',
    ...table(['milestone', 'as known', 'promised', 'agreed', 'imposed', 'standing', 'delivered', 'slip'], dates, [
      'slip',
    ]),
    '',
    'How far they are made',
    ...table(['line', 'as known then', 'as known now'], stages, []),
    '',
    'Who moved them',
    ...table(['milestone', 'recorded', 'by', 'from', 'to', 'days', ''], moves, ['days']),
  ];
}

/** Stage, percentage and number made of each line on which somebody has reported, as known then and now. */
async function stagesOf(baseUrl: string, options: AnswerOptions): Promise<string[][]> {
  const then = listOf(await get(baseUrl, `${CONTRACT_PATH}?asOf=${EARLIER}`), 'lines');
  const now = listOf(await get(baseUrl, CONTRACT_PATH, options), 'lines');
  const stage = (line: unknown): string =>
    textOf(line, 'stage') === undefined
      ? '-'
      : `${textOf(line, 'stage')}, ${quantityOf(line, 'percent')}%, ${quantityOf(line, 'unitsCompleted')} made`;
  return now
    .filter((line) => textOf(line, 'stage') !== undefined)
    .map((line) => {
      const id = textOf(line, 'line') ?? '?';
      return [id, stage(then.find((other) => textOf(other, 'line') === id)), stage(line)];
    });
}

function movesOf(milestone: unknown): string[][] {
  const id = textOf(milestone, 'milestone') ?? '?';
  const line = (entry: unknown, days: string, how: string): string[] => [
    id,
    (textOf(entry, 'recordedtime') ?? '').slice(0, 10),
    reporterOf(entry, 'by'),
    textOf(entry, 'from') ?? '-',
    textOf(entry, 'to') ?? '-',
    days,
    how,
  ];
  const redatings = listOf(milestone, 'redatings').map((entry) => {
    const consulted = listOf(entry, 'consulted').filter((party) => typeof party === 'string');
    const asked = consulted.length === 0 ? 'nobody was asked' : `asked ${consulted.join(', ')}`;
    const answered =
      textOf(entry, 'agreedAt') !== undefined
        ? 'agreed'
        : textOf(entry, 'refusedAt') !== undefined
          ? 'refused'
          : 'not answered';
    return line(entry, String(numberOf(entry, 'days') ?? ''), `amendment, ${asked}, ${answered}`);
  });
  const forecasts = listOf(milestone, 'forecasts').map((entry) => {
    const delay = textOf(entry, 'delay');
    return line(entry, '', delay === undefined ? 'forecast' : `forecast with delay ${delay}`);
  });
  return [...redatings, ...forecasts].sort((a, b) => ((a[1] ?? '') < (b[1] ?? '') ? -1 : 1));
}

// Terminal text

/** Columns as wide as their widest cell, two spaces between; those named in `right` stand at the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly string[]): string[] {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)));
  const written = (cells: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return right.includes(head[column] ?? '') ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [written(head), ...rows.map(written)].map((line) => `  ${line}`);
}

const shortened = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
