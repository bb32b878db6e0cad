/** The real program in processes of its own: made with `init`, run with `serve`, killed, started again. */
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const CLI = resolve('dist/src/cli.js');

/** A module that comes before the program: it loads most of it and waits for a line. Not so in the program's threads. */
const WAITING = `data:text/javascript,${encodeURIComponent(`
import { isMainThread } from 'node:worker_threads';
if (isMainThread) {
  await import(${JSON.stringify(pathToFileURL(resolve('dist/src/waybook.js')).href)});
  await new Promise((go) => process.stdin.once('data', go));
  process.stdin.destroy();
}`)}`;

export interface LedgerOptions {
  /** Default: a SQLite file in the ledger's folder. */
  readonly eventStore?: string;
  readonly readModel?: string;
  /** Where a stepped clock starts; left out, the machine's clock. */
  readonly start?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A folder to share with another process; left out, one of its own. */
  readonly folder?: string;
}

/** How a command ended, and what it printed. */
export interface Ended {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class LedgerProcess {
  readonly folder: string;
  readonly eventStore: string;
  readonly readModel: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #ownFolder: boolean;
  #child: ChildProcess | undefined;
  #next: ChildProcessWithoutNullStreams | undefined;
  #url = '';
  /** What `serve` wrote to standard output and to standard error, over all its runs. */
  output = '';
  errors = '';

  private constructor(options: LedgerOptions) {
    if (!existsSync(CLI)) throw new Error('dist/ is missing; `npm test` builds it, as does `npm run build`');
    this.#ownFolder = options.folder === undefined;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'waybook-e2e-'));
    this.eventStore = options.eventStore ?? `sqlite:${join(this.folder, 'events.db')}`;
    this.readModel = options.readModel ?? `sqlite:${join(this.folder, 'read-model.db')}`;
    // What the caller's own ledger is configured with must not leak into the one under test.
    const outside = Object.entries(process.env).filter(([name]) => !name.startsWith('WAYBOOK_'));
    this.#env = {
      ...Object.fromEntries(outside),
      WAYBOOK_DATA: this.folder,
      EVENT_STORE: this.eventStore,
      READ_MODEL: this.readModel,
      WAYBOOK_PORT: '0',
      ...options.env,
    };
  }

  /** A folder and its configuration; nothing is made or run yet. */
  static prepare(options: LedgerOptions = {}): LedgerProcess {
    return new LedgerProcess(options);
  }

  /** Makes the ledger, unless the store has one, and serves it. */
  static async start(options: LedgerOptions = {}): Promise<LedgerProcess> {
    const ledger = new LedgerProcess(options);
    await ledger.cli(
      'init',
      '--if-missing',
      ...(options.start === undefined ? [] : ['--clock', 'stepped', '--start', options.start]),
    );
    await ledger.serve();
    return ledger;
  }

  get url(): string {
    return this.#url;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Runs a command of the program to its end. The test's own process goes on meanwhile: it may be the store. */
  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...said }));
    });
  }

  /** Runs a command that must succeed, and gives what it printed. */
  async cli(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`waybook ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /**
   * Starts a process that loads the program and waits; the next `serve` lets it go on. For tests that start it again and
   * again: what is loaded while something else is waited for need not be waited for.
   */
  prepareNext(): void {
    this.#next ??= spawn(process.execPath, ['--import', WAITING, CLI, 'serve'], { env: this.#env, stdio: 'pipe' });
  }

  async serve(...options: readonly string[]): Promise<void> {
    const args = [CLI, 'serve', ...options];
    const child = this.#next ?? spawn(process.execPath, args, { env: this.#env, stdio: 'pipe' });
    this.#next = undefined;
    child.stdin.end('\n');
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#url = await new Promise<string>((found, failed) => {
      child.once('exit', (code) => failed(new Error(`serve ended with ${code}: ${this.errors}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.output += `${line}\n`;
        const url = / at (http:\S+)$/.exec(line)?.[1];
        if (url !== undefined) found(url);
      });
    });
  }

  /** As a power cut would: without a chance to finish anything. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As an operator would. @returns the exit code; `null` where it was not running, or a signal had to end it */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
    });
  }

  /** Stops it and removes its folder. */
  async remove(): Promise<void> {
    this.#next?.kill('SIGKILL');
    await this.#end('SIGTERM');
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** One request; the body is parsed where it is JSON. */
export async function call<T = Record<string, unknown>>(
  url: string,
  path: string,
  body?: unknown,
  contentType = 'application/json',
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const response = await fetch(new URL(path, url), {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body === undefined ? {} : { 'content-type': contentType }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson =
    (response.headers.get('content-type') ?? '').includes('json') &&
    !(response.headers.get('content-type') ?? '').includes('ndjson');
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
}
