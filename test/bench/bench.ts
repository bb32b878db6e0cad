/**
 * `npm run bench [NAME ...] [-- --json] [--test-server] [--scale=0.1]`. Names are letters or words, see {@link BENCHES};
 * without any, all are run. Prints to standard error as it goes, and the table (or JSON) to standard output.
 */
import { parseArgs } from 'node:util';
import { eventStoreBench, eventStoreUrl } from './eventstoredb.js';
import { describeMachine } from './machine.js';
import { memoryBench } from './memory.js';
import { portfolioBench } from './portfolio.js';
import { rebuildBench, replayBench } from './reading.js';
import { machineText, measurementText, table, type Measurement, type Report, type Run } from './report.js';
import { batchesBench, singlesBench, streamBench } from './writing.js';

interface Bench {
  readonly letter: string;
  readonly name: string;
  readonly title: string;
  readonly run: (run: Run) => Promise<void>;
}

const BENCHES: readonly Bench[] = [
  { letter: 'a', name: 'singles', title: 'single events over HTTP, 32 connections', run: singlesBench },
  { letter: 'b', name: 'batches', title: 'batches of 500 over HTTP to 100 contracts', run: batchesBench },
  { letter: 'c', name: 'stream', title: 'a stream of lines over HTTP', run: streamBench },
  { letter: 'd', name: 'replay', title: 'replay of one contract of 10,000 events', run: replayBench },
  { letter: 'e', name: 'rebuild', title: 'rebuild of all projections from 200,000 events', run: rebuildBench },
  {
    letter: 'h',
    name: 'portfolio',
    title: 'questions about all contracts, 1,000 to 100,000 of them',
    run: portfolioBench,
  },
  { letter: 'f', name: 'memory', title: 'memory while 1,000,000 events are streamed', run: memoryBench },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    /** (g) against the server of the tests. */
    'test-server': { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
  },
});

const scale = Number(values.scale);
const store = eventStoreUrl(process.env['EVENTSTOREDB_URL'], values['test-server']);
const known: readonly Bench[] = [
  ...BENCHES,
  {
    letter: 'g',
    name: 'eventstoredb',
    title: '(a), (b) and (e) on EventStoreDB, beside the bare client',
    run: async (run) => {
      if (store === undefined)
        process.stderr.write(
          '  skipped: EVENTSTOREDB_URL is not set (--test-server runs it on the server of the tests)\n',
        );
      else await eventStoreBench(run, store);
    },
  },
];
const wanted = known.filter(
  ({ letter, name }) => positionals.length === 0 || positionals.includes(letter) || positionals.includes(name),
);
const unknown = positionals.filter((word) => !known.some(({ letter, name }) => word === letter || word === name));
if (unknown.length > 0 || !(scale > 0 && scale <= 1)) {
  process.stderr.write(
    `npm run bench [NAME ...] [-- --json] [--test-server] [--scale=0.1]\n${known.map(({ letter, name, title }) => `  ${letter}  ${name.padEnd(13)} ${title}`).join('\n')}\n`,
  );
  process.exit(2);
}

const machine = describeMachine();
process.stderr.write(`${machineText(machine)}\n`);
if (scale < 1) process.stderr.write(`sizes scaled by ${scale}: for a quick look, not for comparison\n`);
const measurements: Measurement[] = [];
const startedMs = performance.now();
for (const bench of wanted) {
  process.stderr.write(`\n(${bench.letter}) ${bench.title}\n`);
  await bench.run({
    sized: (full, step) => Math.max(1, Math.round((full * scale) / step)) * step,
    report: (measurement) => {
      const named = { ...measurement, bench: `(${bench.letter})` };
      measurements.push(named);
      process.stderr.write(`${measurementText(named)}\n`);
    },
  });
}
const report: Report = { machine, seconds: (performance.now() - startedMs) / 1_000, scale, measurements };
process.stdout.write(
  values.json
    ? `${JSON.stringify(report, null, 2)}\n`
    : `\n${machineText(machine)}\n${scale < 1 ? `sizes scaled by ${scale}\n` : ''}\n${table(measurements)}\n`,
);
