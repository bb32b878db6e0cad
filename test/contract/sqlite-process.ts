import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { transformSync } from '@swc/core';

/** A new folder for one test's files, and what removes it. */
export function scratch(): { readonly path: (name: string) => string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'waybook-sqlite-'));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Programs {
  /** Path of a compiled module, by its path in the checkout without the ending. */
  readonly module: (name: string) => string;
  readonly remove: () => void;
}

/**
 * Compiles the adapter, and the program that drives it from another process, to JavaScript that Node runs by itself.
 * It lies below `node_modules`, from where the driver is found.
 */
export function compilePrograms(): Programs {
  const cache = resolve('node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, 'sqlite-programs-'));
  const adapter = readdirSync('src/event-store/sqlite').filter((name) => name.endsWith('.ts'));
  const sources = [
    'src/event-store/event-store.ts',
    ...adapter.map((name) => `src/event-store/sqlite/${name}`),
    'test/contract/sqlite-program.ts',
  ];
  for (const source of sources) {
    const { code } = transformSync(readFileSync(source, 'utf8'), {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    const target = join(out, source.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  writeFileSync(join(out, 'package.json'), '{"type":"module"}');
  return {
    module: (name) => join(out, `${name}.js`),
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
}

/** Another process at work on a file; see `sqlite-program.ts` for what it can do and says. */
export class OtherProcess {
  readonly lines: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #over: Promise<void>;
  #stderr = '';
  #isOver = false;
  #notify: () => void = () => undefined;

  /** @param fileLimitKiB the largest file the process may write, as if the disk were full from there on */
  constructor(programs: Programs, task: string, path: string, fileLimitKiB?: number) {
    const command = [process.execPath, programs.module('test/contract/sqlite-program'), task, path];
    // With the signal ignored, a write beyond the limit fails like one on a full disk does.
    const limited = ['bash', '-c', `trap '' XFSZ; ulimit -f ${fileLimitKiB}; exec "$@"`, 'bash', ...command];
    const [program = '', ...given] = fileLimitKiB === undefined ? command : limited;
    this.#child = spawn(program, given);
    this.#child.stderr.on('data', (text) => {
      this.#stderr += String(text);
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(line);
      this.#notify();
    });
    this.#over = new Promise((resolve) => {
      this.#child.on('close', () => {
        this.#isOver = true;
        this.#notify();
        resolve();
      });
    });
  }

  /** The first line that begins so. A process that ends without having said it fails the test with what it did say. */
  async said(start: string): Promise<string> {
    for (;;) {
      const line = this.lines.find((one) => one.startsWith(start));
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`no "${start}", but: ${this.lines.slice(-5).join(' | ')} ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#over;
  }

  /** Asks it to close the store and end. */
  async finish(): Promise<void> {
    this.#child.stdin.end();
    await this.#over;
  }
}
