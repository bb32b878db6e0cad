/** What a bench found, and how it is printed. */
import type { Machine } from './machine.js';

export interface Figure {
  readonly value: number;
  readonly unit: 'events/s' | 'requests/s' | 'ms' | 'MB';
}

export interface Measurement {
  /** Its letter, as on the command line. */
  readonly bench: string;
  /** What exactly was measured. */
  readonly what: string;
  readonly figure: Figure;
  /** Of one request, in milliseconds. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
  /** How far the projections were behind when the last answer had come, and how long they then took. */
  readonly lag?: { readonly positions: number; readonly seconds: number };
  /**
   * Time on a core that the server spent for each event, all threads together, in microseconds, its catching up left
   * out. Unlike everything else it changes little with what else the machine does.
   */
  readonly processorMicros?: number | undefined;
  /** Of the process of the server, all threads together. */
  readonly peakMemoryMb?: number | undefined;
  readonly baseline?: { readonly what: string; readonly figure: Figure; readonly ratio: number };
  /** In words, and whether it was reached. Nothing fails where it was not. */
  readonly aim?: { readonly words: string; readonly met: boolean };
}

/** How large a run is, and who hears of each measurement. */
export interface Run {
  /** A size as it is scaled, a multiple of `step`. */
  sized(full: number, step: number): number;
  report(measurement: Omit<Measurement, 'bench'>): void;
}

export interface Report {
  readonly machine: Machine;
  readonly seconds: number;
  /** 1 for the real sizes. */
  readonly scale: number;
  readonly measurements: readonly Measurement[];
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const figureText = ({ value, unit }: Figure): string =>
  `${unit === 'ms' && value < 100 ? value.toFixed(1) : whole.format(value)} ${unit}`;
const msText = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));

export function machineText(machine: Machine): string {
  const { cpu, cores, memoryGb, system, node, folder, fsyncMs, load } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}`,
    `stores in ${folder}: write of 4 KiB and fsync p50 ${fsyncMs.p50.toFixed(2)} ms, p99 ${fsyncMs.p99.toFixed(2)} ms; load average at the start ${load}`,
  ].join('\n');
}

/** One measurement in words, for the time until the table is there. */
export function measurementText(measurement: Omit<Measurement, 'bench'>): string {
  const { what, figure, latencyMs, lag, processorMicros, peakMemoryMb, baseline, aim } = measurement;
  const parts = [figureText(figure)];
  if (latencyMs !== undefined) parts.push(`p50 ${msText(latencyMs.p50)} ms, p99 ${msText(latencyMs.p99)} ms`);
  if (lag !== undefined)
    parts.push(`lag at the end ${whole.format(lag.positions)} positions, caught up ${lag.seconds.toFixed(1)} s later`);
  if (processorMicros !== undefined) parts.push(`${processorMicros.toFixed(1)} µs of a core for each event`);
  if (peakMemoryMb !== undefined) parts.push(`server's peak memory ${whole.format(peakMemoryMb)} MB`);
  if (baseline !== undefined)
    parts.push(`${baseline.ratio.toFixed(2)} of ${baseline.what} (${figureText(baseline.figure)})`);
  if (aim !== undefined) parts.push(`aim ${aim.words}: ${aim.met ? 'reached' : 'not reached'}`);
  return `  ${what}\n    ${parts.join('; ')}`;
}

const HEADINGS = [
  'bench',
  'figure',
  'p50 ms',
  'p99 ms',
  'lag',
  'after s',
  'core µs',
  'peak MB',
  'baseline',
  'ratio',
  'aim',
  '',
];

export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map(
    ({ bench, what, figure, latencyMs, lag, processorMicros, peakMemoryMb, baseline, aim }) => [
      `${bench} ${what}`,
      figureText(figure),
      latencyMs === undefined ? '' : msText(latencyMs.p50),
      latencyMs === undefined ? '' : msText(latencyMs.p99),
      lag === undefined ? '' : whole.format(lag.positions),
      lag === undefined ? '' : lag.seconds.toFixed(1),
      processorMicros?.toFixed(1) ?? '',
      peakMemoryMb === undefined ? '' : whole.format(peakMemoryMb),
      baseline === undefined ? '' : `${baseline.what}: ${figureText(baseline.figure)}`,
      baseline === undefined ? '' : baseline.ratio.toFixed(2),
      aim?.words ?? '',
      aim === undefined ? '' : aim.met ? 'yes' : 'no',
    ],
  );
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const numeric = new Set([1, 2, 3, 4, 5, 6, 7, 9]);
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (numeric.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (numeric.has(column) ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [lineOf(HEADINGS), rule, ...rows.map(lineOf)].join('\n');
}
