/** The real program in processes of its own: made with `init`, run with `serve`, killed, started again. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const CLI = resolve('dist/src/cli.js');

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

export class LedgerProcess {
  readonly folder: string;
  readonly eventStore: string;
  readonly readModel: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #ownFolder: boolean;
  #child: ChildProcess | undefined;
  #url = '';
  /** What it wrote to standard error. */
  errors = '';

  private constructor(options: LedgerOptions) {
    if (!existsSync(CLI)) throw new Error('dist/ is missing; `npm test` builds it, as does `npm run build`');
    this.#ownFolder = options.folder === undefined;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'waybook-e2e-'));
    this.eventStore = options.eventStore ?? `sqlite:${join(this.folder, 'events.db')}`;
    this.readModel = options.readModel ?? `sqlite:${join(this.folder, 'read-model.db')}`;
    this.#env = {
      ...process.env,
      WAYBOOK_DATA: this.folder,
      EVENT_STORE: this.eventStore,
      READ_MODEL: this.readModel,
      WAYBOOK_PORT: '0',
      ...options.env,
    };
  }

  /** Makes the ledger, unless the store has one, and serves it. */
  static async start(options: LedgerOptions = {}): Promise<LedgerProcess> {
    const ledger = new LedgerProcess(options);
    ledger.cli(
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

  /** Runs a command of the program to its end and gives what it printed. */
  cli(...args: readonly string[]): string {
    return execFileSync(process.execPath, [CLI, ...args], {
      env: this.#env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async serve(): Promise<void> {
    const child = spawn(process.execPath, [CLI, 'serve'], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#url = await new Promise<string>((found, failed) => {
      child.once('exit', (code) => failed(new Error(`serve ended with ${code}: ${this.errors}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const url = / at (http:\S+)$/.exec(line)?.[1];
        if (url !== undefined) found(url);
      });
    });
  }

  /** As a power cut would: without a chance to finish anything. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  }

  /** Stops it and removes its folder. */
  async remove(): Promise<void> {
    await this.stop();
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
