/** What the figures were measured on: without it they say nothing. */
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** The folder that the stores are made in. */
  readonly folder: string;
  /** Of a write of 4 KiB and its fsync, in milliseconds. A value near zero means that nothing is really synced. */
  readonly fsyncMs: { readonly p50: number; readonly p99: number };
  /** Load average of the last minute when the run began: other work makes every figure smaller. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    folder: tmpdir(),
    fsyncMs: fsyncLatency(),
    load: Math.round(loadavg()[0]! * 10) / 10,
  };
}

function fsyncLatency(times = 200): { readonly p50: number; readonly p99: number } {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-fsync-'));
  const file = openSync(join(folder, 'file'), 'w');
  const page = Buffer.alloc(4_096, 1);
  const took: number[] = [];
  try {
    for (let at = 0; at < times; at += 1) {
      const startedMs = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      took.push(performance.now() - startedMs);
    }
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** The value below which that part of the values lies, 0 for none; `values` come in any order and stay in it. */
export function quantile(values: ArrayLike<number>, part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** The largest resident memory that a process has had so far, in bytes; `undefined` where the system does not say. */
export function peakMemory(pid: number): number | undefined {
  if (platform() !== 'linux') return undefined;
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return line === null ? undefined : Number(line[1]) * 1_024;
}

/** Clock ticks a second in what Linux says of a process (USER_HZ, proc(5)). */
const TICKS = 100;

/** The time that all threads of a process have spent on a core so far, in seconds; `undefined` where it is not said. */
export function processorSeconds(pid: number): number | undefined {
  if (platform() !== 'linux') return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in parentheses and may hold spaces; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
