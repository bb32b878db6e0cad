/** A thread that replays contracts, one at a time. The store is opened for the first of them. */
import { parentPort, workerData } from 'node:worker_threads';
import { projections } from '../projections/index.js';
import { openReader, type ReaderStore } from './open-store.js';
import { replayContract, type ReplayedRows, type ReplayRequest } from './subscriptions/replay.js';
import { errorAsData, type FromReplayer, type ReplayThreadData, type ToReplayer } from './subscriptions/threads.js';

const port = parentPort;
if (port === null) throw new Error('replay-worker is started as a thread');

const { eventStore } = workerData as ReplayThreadData;
const say = (message: FromReplayer): void => port.postMessage(message);

let reader: ReaderStore | undefined;
/** What is asked of this thread is done one after the other, closing last. */
let last: Promise<void> = Promise.resolve();

async function replay(request: ReplayRequest): Promise<ReplayedRows | undefined> {
  reader ??= await openReader(eventStore);
  const replayed = await replayContract(reader.store, request, projections);
  if (replayed === undefined) return undefined;
  const { rows, position, asOfInstant, on } = replayed;
  return { rows, position, asOfInstant, on };
}

async function answer(message: ToReplayer): Promise<void> {
  switch (message.kind) {
    case 'replay':
      try {
        say({ kind: 'replayed', result: await replay(message.request) });
      } catch (error) {
        say({ kind: 'failed', error: errorAsData(error) });
      }
      break;
    case 'close':
      await reader?.store.close();
      // Nothing else holds the thread then.
      port!.close();
      break;
  }
}

port.on('message', (message: ToReplayer) => {
  last = last.then(() => answer(message));
});
