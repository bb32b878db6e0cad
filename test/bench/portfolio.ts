/** (h): questions about all contracts at once, as these grow in number: now, and as of the past. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { contractStatus, contractTable } from '../../projections/contract-status/contract-status.js';
import { catchUp, peakOf, withLedger } from './ledger.js';
import { LoadError, streamLines } from './load.js';
import { quantile } from './machine.js';
import type { Run } from './report.js';

const SIZES = [1_000, 10_000, 100_000] as const;
const PROGRAMMES = 12;
/** Lines in one piece of the stream. */
const PIECE = 500;
const WARM_UPS = 2;
const TIMES = 15;

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
const day = (year: number, step: number): string => `${year}-${two(1 + (step % 12))}-${two(1 + (step % 28))}`;
const usd = (amount: number) => ({ amount: `${amount}.00`, currency: 'USD' });

/** The story of one contract over eight years, as it would be imported: ten events. */
function* story(contract: string, index: number): Generator<string> {
  const signed = 2012 + (index % 6);
  let count = 0;
  const sent = (party: string, type: string, time: string, data: object): string => {
    count += 1;
    return JSON.stringify({
      specversion: '1.0',
      id: `${contract}-${count}`,
      source: `urn:waybook:party:${party}`,
      type,
      time: `${time}T09:00:00Z`,
      subject: contract,
      data,
    });
  };
  const parties = [
    ['jp-mod', 'buyer', 'JP'],
    ['us-gov', 'seller', 'US'],
    [`prime-${index % 40}`, 'prime', 'US'],
  ].map(([party, role, country]) => ({ party, name: `${party} (illustrative)`, role, country }));
  const prime = parties[2]!.party!;
  yield sent('us-gov', 'ContractRegistered', day(signed, index), {
    title: `Support equipment ${index}`,
    reference: `JA-${index}`,
    programme: `programme-${index % PROGRAMMES}`,
    signedOn: day(signed, index),
    value: usd(500_000),
    parties,
    lines: ['1', '2'].map((line) => ({
      line,
      description: `Receiver group ${line}`,
      quantity: 10,
      unit: 'EA',
      unitValue: usd(25_000),
      standard: 'AS9102',
    })),
    milestones: [
      {
        milestone: 'M1',
        line: '1',
        kind: 'manufacturing',
        description: 'Built',
        due: day(signed + 2, index),
        binding: 'estimate',
      },
      {
        milestone: 'D1',
        line: '1',
        kind: 'delivery',
        description: 'Delivered',
        due: day(signed + 3, index),
        binding: 'estimate',
      },
      {
        milestone: 'D2',
        line: '2',
        kind: 'delivery',
        description: 'Delivered',
        due: day(signed + 4, index),
        binding: 'firm',
      },
    ],
    terms: {
      reportEveryDays: 3_650,
      delayNoticeDays: 30,
      acknowledgeWithinDays: 3_650,
      resolveWithinDays: 3_650,
      discrepancyWithinDays: 365,
      settleWithinDays: 730,
    },
  });
  yield sent('jp-mod', 'RegistrationConfirmed', day(signed, index + 1), {});
  yield sent('jp-mod', 'PaymentMade', day(signed + 1, index), {
    payment: 'P1',
    amount: usd(200_000 + index),
    kind: 'advance',
  });
  yield sent(prime, 'ManufacturingStarted', day(signed + 1, index), { line: '1', site: 'Plant 2', stage: 'casting' });
  yield sent(prime, 'ForecastRevised', day(signed + 2, index), {
    milestone: 'D1',
    forecast: day(signed + 4, index),
    reason: 'parts',
  });
  yield sent(prime, 'DelayReported', day(signed + 3, index), {
    delay: 'X1',
    cause: { code: 'parts', locus: 'prime', detail: 'late castings' },
    startedOn: day(signed + 2, index),
    forecasts: [{ milestone: 'D2', forecast: day(signed + 6, index) }],
  });
  yield sent('us-gov', 'ContractAmended', day(signed + 3, index), {
    amendment: 'A1',
    consulted: [],
    rationale: 'production moved',
    milestones: [{ milestone: 'D1', due: day(signed + 5, index) }],
  });
  yield sent('jp-mod', 'AmendmentAgreed', day(signed + 4, index), { amendment: 'A1' });
  yield sent('jp-mod', 'DeliveryAccepted', day(signed + 5, index), {
    items: [{ line: '1', quantity: 4 + (index % 7) }],
    acceptancePoint: 'destination',
  });
  yield sent('jp-mod', 'PaymentMade', day(signed + 6, index), { payment: 'P2', amount: usd(40_000), kind: 'progress' });
}

function* pieces(from: number, to: number): Generator<Buffer> {
  let text = '';
  let lines = 0;
  for (let index = from; index < to; index += 1)
    for (const line of story(`C-${String(index).padStart(6, '0')}`, index)) {
      text += `${line}\n`;
      lines += 1;
      if (lines < PIECE) continue;
      yield Buffer.from(text);
      [text, lines] = ['', 0];
    }
  if (lines > 0) yield Buffer.from(text);
}
const EVENTS_A_CONTRACT = 10;

async function timed(url: string, path: string): Promise<readonly number[]> {
  const took: number[] = [];
  for (let at = 0; at < WARM_UPS + TIMES; at += 1) {
    const startedMs = performance.now();
    const response = await fetch(new URL(path, url));
    const text = await response.text();
    if (response.status !== 200) throw new LoadError(`${path} was answered ${response.status}: ${text.slice(0, 500)}`);
    if (at >= WARM_UPS) took.push(performance.now() - startedMs);
  }
  return took;
}

interface Question {
  readonly what: string;
  readonly path: string;
  /** In milliseconds, at 10,000 contracts. */
  readonly aim: number;
}

export async function portfolioBench(run: Run): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-bench-'));
  try {
    await withLedger({ folder }, async (ledger) => {
      let filled = 0;
      for (const full of SIZES) {
        const contracts = run.sized(full, 10);
        if (contracts <= filled) continue;
        await streamLines(ledger.url, '/events', pieces(filled, contracts), (contracts - filled) * EVENTS_A_CONTRACT);
        filled = contracts;
        await catchUp(ledger.url);
        const { store } = (await (await fetch(new URL('/health', ledger.url))).json()) as {
          store: { position: string };
        };
        const half = Math.floor(Number(store.position) / 2);
        const questions: readonly Question[] = [
          { what: '/portfolio/exposure', path: '/portfolio/exposure', aim: 100 },
          {
            what: 'the same by programme, of one status',
            path: '/portfolio/exposure?groupBy=programme&status=late',
            aim: 100,
          },
          { what: 'the same on a day eight years ago', path: '/portfolio/exposure?on=2018-06-30', aim: 500 },
          { what: 'the same as of half the positions', path: `/portfolio/exposure?asOf=${half}`, aim: 500 },
          { what: '/contracts, a page by id', path: '/contracts', aim: 20 },
          { what: '/contracts, a page by lateness', path: '/contracts?sort=-lateDays', aim: 20 },
          { what: '/contracts on a day eight years ago', path: '/contracts?on=2018-06-30&sort=-lateDays', aim: 500 },
          { what: '/portfolio/scorecards', path: '/portfolio/scorecards', aim: 100 },
          { what: '/portfolio/changes, a page', path: '/portfolio/changes', aim: 20 },
        ];
        const raw = rawRows(join(ledger.folder, 'read-model.db'));
        for (const { what, path, aim } of questions) {
          const took = await timed(ledger.url, path);
          const p50 = quantile(took, 0.5);
          run.report({
            what: `${what}, ${contracts} contracts`,
            figure: { value: p50, unit: 'ms' },
            latencyMs: { p50, p99: quantile(took, 0.99) },
            peakMemoryMb: peakOf(ledger),
            baseline: {
              what: 'every row of contract_status read',
              figure: { value: raw, unit: 'ms' },
              ratio: raw / p50,
            },
            ...(contracts === 10_000 ? { aim: { words: `below ${aim} ms`, met: p50 < aim } } : {}),
          });
        }
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads all rows of the list by the bare driver, in milliseconds. */
function rawRows(path: string): number {
  const database = new Database(path, { readonly: true });
  try {
    const statement = database.prepare(`select * from ${contractTable.name}_v${contractStatus.version}`);
    const took = Array.from({ length: 5 }, () => {
      const startedMs = performance.now();
      statement.all();
      return performance.now() - startedMs;
    });
    return quantile(took, 0.5);
  } finally {
    database.close();
  }
}
