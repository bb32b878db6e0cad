/**
 * A thread that shares in building read models from nothing, contract by contract: it folds what it is given and writes the
 * rows on connections of its own. It is ended from outside.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { projections } from '../projections/index.js';
import { openReader } from './open-store.js';
import { openShare, type Share } from './subscriptions/build.js';
import { contractRules } from './subscriptions/decoding.js';
import { openReadModelWriter } from './subscriptions/read-model-writer.js';
import { errorAsData, type BuildThreadData, type FromBuilder, type ToBuilder } from './subscriptions/threads.js';

const port = parentPort;
if (port === null) throw new Error('build-worker is started as a thread');

const { eventStore, readModel, copies, claim } = workerData as BuildThreadData;
const say = (message: FromBuilder): void => port.postMessage(message);

async function open(): Promise<Share> {
  const { store } = await openReader(eventStore);
  return openShare({
    store,
    writer: await openReadModelWriter(readModel, false),
    rules: contractRules,
    copies: copies.map((id) => ({ id, projection: projections.find(({ name }) => name === id.name)! })),
    claim,
    signal: new AbortController().signal,
    written: (events) => say({ kind: 'written', events }),
  });
}

let share: Promise<Share> | undefined;

async function answer(message: ToBuilder): Promise<void> {
  try {
    share ??= open();
    const mine = await share;
    if (message.kind === 'take') await mine.take(message.extents);
    else await mine.finish();
    say({ kind: 'done' });
  } catch (error) {
    say({ kind: 'failed', error: errorAsData(error) });
  }
}

/** What is asked of this thread is done one after the other. */
let last: Promise<void> = Promise.resolve();
port.on('message', (message: ToBuilder) => {
  last = last.then(() => answer(message));
});
