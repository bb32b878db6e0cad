/**
 * The serving process is killed (SIGKILL) at random moments while several writers are at work: what was acknowledged is
 * there once, what was not is there whole or not at all, and the read model is what a replay gives.
 */
import { checkLedger } from '../support/check-ledger.js';
import { call, LedgerProcess } from '../support/ledger-process.js';
import { confirmed, event, registered, type Sent } from '../support/scenario.js';
import { chance } from '../support/seed.js';

const KILLS = 50;
/** The whole ledger is looked at after so many. */
const CHECK_EVERY = 10;
const LONGEST_LIFE_MS = 350;
const BATCH = 'application/cloudevents-batch+json';
const { next: random, upTo, of } = chance();

interface Result {
  readonly id: string;
  readonly status: string;
  readonly revision: string;
}

let ledger: LedgerProcess;
/** Set before the kill: from then on, and only then, an answer may be missing. */
let killing = false;
let count = 0;
const sentTo = new Map<string, string>();
const acknowledged = new Map<string, { readonly contract: string; readonly revision: number }>();
const atomicBatches: (readonly Sent[])[] = [];
/** What was sent and not answered, of the life that has just ended. */
let unanswered: (readonly Sent[])[] = [];

const forecast = (contract: string): Sent => {
  count += 1;
  const id = `k${count}`;
  sentTo.set(id, contract);
  const day = new Date(Date.UTC(2022, 0, 1 + (count % 700))).toISOString().slice(0, 10);
  return event(
    'ForecastRevised',
    { milestone: 'D1', forecast: day, reason: `no. ${count}` },
    { id, contract, by: 'prime-a' },
  );
};
const several = (contract: string, most: number): readonly Sent[] =>
  Array.from({ length: upTo(most) }, () => forecast(contract));

function acknowledge(results: readonly Result[], allowed: readonly string[]): void {
  for (const { id, status, revision } of results) {
    expect(allowed).toContain(status);
    acknowledged.set(id, { contract: sentTo.get(id) ?? '', revision: Number(revision) });
  }
}

/** Sends events in one body. @returns the results; `undefined` where the process died before it answered */
async function send(
  path: string,
  events: readonly Sent[],
  allowed = ['recorded'],
): Promise<readonly Result[] | undefined> {
  try {
    const { body } = await call<{ results: Result[] }>(ledger.url, path, events, BATCH);
    acknowledge(body.results, allowed);
    return body.results;
  } catch (error) {
    if (!killing) throw error;
    unanswered.push(events);
    return undefined;
  }
}

/** A stream of lines whose answers are read while it is still being sent: each line that came back counts. */
async function stream(events: readonly Sent[]): Promise<boolean> {
  const lines = new ReadableStream<Uint8Array>({
    start: async (controller) => {
      try {
        for (const each of events) {
          controller.enqueue(Buffer.from(`${JSON.stringify(each)}\n`));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        controller.close();
      } catch (error) {
        // The other side has gone, and with it who would have read.
        if (!killing) throw error;
      }
    },
  });
  let text = '';
  try {
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
      duplex: 'half',
    };
    const response = await fetch(new URL('/events', ledger.url), request as RequestInit);
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    return true;
  } catch (error) {
    if (!killing) throw error;
    unanswered.push(events);
    return false;
  } finally {
    // The last line may have been cut off.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    acknowledge(
      whole
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Result),
      ['recorded'],
    );
  }
}

async function again(work: () => Promise<unknown>): Promise<void> {
  while (!killing && (await work()) !== false);
}

const SHARED = ['SHARED-1', 'SHARED-2', 'SHARED-3', 'SHARED-4'] as const;
const any = (): string => of(SHARED);

/** One life: a contract of its own with a correction now and then, and writers of every kind until the end. */
function writers(life: number): readonly Promise<void>[] {
  const own = `LIFE-${life}`;
  const atomic = async (): Promise<unknown> => {
    const batch = several(any(), 25);
    atomicBatches.push(batch);
    return send(`/contracts/${String(batch[0]!['subject'])}/events?atomic=true`, batch);
  };
  const corrected = async (): Promise<void> => {
    const registration = [registered({}, { contract: own }), confirmed({ contract: own, id: `c${life}` })];
    sentTo.set('registration', '').set(`c${life}`, own);
    if ((await send('/events', registration)) === undefined) return;
    await again(async () => {
      const wrong = forecast(own);
      if ((await send('/events', [wrong, forecast(own)])) === undefined) return;
      const id = `${wrong.id}-corrected`;
      sentTo.set(id, own);
      await send('/events', [
        event(
          'EventCorrected',
          { event: { id: wrong.id }, reason: 'did-not-occur' },
          { id, contract: own, by: 'prime-a' },
        ),
      ]);
    });
  };
  return [
    ...Array.from({ length: 3 }, () => again(() => send('/events', [forecast(any())]))),
    ...Array.from({ length: 2 }, () => again(atomic)),
    again(() => send(`/contracts/${SHARED[0]}/events`, several(SHARED[0], 20))),
    again(() =>
      send(
        '/events',
        Array.from({ length: upTo(15) }, () => forecast(any())),
      ),
    ),
    again(() => stream(Array.from({ length: 30 }, () => forecast(any())))),
    corrected(),
  ];
}

/** Everything that was acknowledged is where it was said to be; atomic batches are whole; nobody else is there. */
async function check(): Promise<void> {
  const { contracts } = await checkLedger(ledger);
  const found = new Map<string, number>();
  for (const [contract, ids] of contracts)
    for (const [revision, id] of ids.entries()) {
      if (id === 'registration') continue;
      found.set(id, revision);
      expect({ id, contract }).toEqual({ id, contract: sentTo.get(id) });
    }
  for (const [id, { revision }] of acknowledged)
    if (id !== 'registration') expect({ id, revision: found.get(id) }).toEqual({ id, revision });
  for (const batch of atomicBatches) {
    const there = batch.flatMap(({ id }) => found.get(id) ?? []);
    expect([0, batch.length]).toContain(there.length);
    expect(there).toEqual(there.map((_, at) => there[0]! + at));
  }
}

test(`killed ${KILLS} times under load, it never loses or halves what it acknowledged`, async () => {
  ledger = await LedgerProcess.start();
  try {
    for (const contract of SHARED) {
      sentTo.set('registration', '').set(`c-${contract}`, contract);
      await send('/events', [registered({}, { contract }), confirmed({ contract, id: `c-${contract}` })]);
    }
    for (let life = 1; life <= KILLS; life += 1) {
      killing = false;
      const working = writers(life);
      await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * LONGEST_LIFE_MS)));
      killing = true;
      await ledger.kill();
      await Promise.all(working);
      const serving = ledger.serve();
      ledger.prepareNext();
      await serving;
      killing = false;
      // Sent again, it is known or new, and an atomic batch is one of the two as a whole.
      const repeated = unanswered;
      unanswered = [];
      await Promise.all(
        repeated.map(async (events) => {
          const results = await send('/events', events, ['recorded', 'duplicate']);
          if (atomicBatches.includes(events)) expect(new Set(results?.map(({ status }) => status)).size).toBe(1);
        }),
      );
      if (life % CHECK_EVERY === 0) await check();
    }
    expect(ledger.errors).toBe('');
    expect(acknowledged.size).toBeGreaterThan(KILLS * 10);
    console.log(`${acknowledged.size} events acknowledged over ${KILLS} lives, ${atomicBatches.length} atomic batches`);
    expect(await ledger.stop()).toBe(0);
    await ledger.serve();
    await check();
  } finally {
    await ledger.remove();
  }
}, 600_000);
