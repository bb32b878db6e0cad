/** What the command line prints: text for people, JSON where `--json` asks for it, progress on a terminal. */
import cliProgress from 'cli-progress';

// Who reads only the first lines closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

export interface Output {
  readonly json: boolean;
  /** A line for people; nothing with `--json`. */
  say(line: string): void;
  /** The answer of the command: JSON with `--json`, else nothing. */
  answer(value: unknown): void;
}

const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of somebody else's as a terminal may show it: what would move the cursor, or turn the writing round, is spelt out. */
export const printable = (text: string): string =>
  text.replaceAll(CONTROLS, (control) => `\\u{${control.codePointAt(0)!.toString(16)}}`);

const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);

export function outputOf(json: boolean): Output {
  return {
    json,
    say: (line) => {
      // Lines are broken by us alone: the texts in them are made printable where they are put in.
      if (!json) process.stdout.write(`${line.split('\n').map(printable).join('\n')}\n`);
    },
    answer: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value, plain, 2)}\n`);
    },
  };
}

export interface Progress {
  update(done: number, note?: string): void;
  stop(): void;
}

/** A progress bar on standard error where that is a terminal; else a line now and then. Silent with `--json`. */
export function progress(title: string, total: number, json: boolean): Progress {
  if (json) return { update: () => undefined, stop: () => undefined };
  if (!process.stderr.isTTY) return lines(title, total);
  const bar = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage}% {value}/{total} {note}`,
      stream: process.stderr,
      hideCursor: true,
      etaBuffer: 50,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { note: '' });
  return { update: (done, note = '') => bar.update(Math.min(done, total), { note }), stop: () => bar.stop() };
}

function lines(title: string, total: number): Progress {
  let said = -1;
  return {
    update: (done, note = '') => {
      const tenth = total === 0 ? 10 : Math.floor((done / total) * 10);
      if (tenth <= said) return;
      said = tenth;
      process.stderr.write(`${title} ${tenth * 10}% (${done}/${total})${note === '' ? '' : ` ${note}`}\n`);
    },
    stop: () => undefined,
  };
}

/** Columns lined up; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? '-' : printable(String(cell)))));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const right = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => row[column] === null || typeof row[column] === 'number'),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}
