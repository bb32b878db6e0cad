/** A thread that answers questions about the past, one at a time. Store and read model are opened for the first of them. */
import { parentPort, workerData } from 'node:worker_threads';
import { projections } from '../projections/index.js';
import { portfolioFacts } from '../projections/portfolio-facts/portfolio-facts.js';
import { openReader, type ReaderStore } from './open-store.js';
import { portfolioAnswer, type PortfolioAnswer, type PortfolioQuestion } from './subscriptions/portfolio.js';
import { openReadModel, type ReadModel } from './subscriptions/read-model.js';
import { replayContract, type ReplayedRows, type ReplayRequest } from './subscriptions/replay.js';
import { errorAsData, type FromReplayer, type ReplayThreadData, type ToReplayer } from './subscriptions/threads.js';

const port = parentPort;
if (port === null) throw new Error('replay-worker is started as a thread');

const { eventStore, readModel } = workerData as ReplayThreadData;
const say = (message: FromReplayer): void => port.postMessage(message);

let reader: ReaderStore | undefined;
let rows: ReadModel | undefined;
/** What is asked of this thread is done one after the other, closing last. */
let last: Promise<void> = Promise.resolve();

async function replay(request: ReplayRequest): Promise<ReplayedRows | undefined> {
  reader ??= await openReader(eventStore);
  const replayed = await replayContract(reader.store, request, projections);
  if (replayed === undefined) return undefined;
  const { rows, position, asOfInstant, on } = replayed;
  return { rows, position, asOfInstant, on };
}

async function portfolio(question: PortfolioQuestion): Promise<PortfolioAnswer> {
  rows ??= openReadModel(readModel);
  const { result } = await rows.query(portfolioFacts, (snapshot) => portfolioAnswer(snapshot, question));
  return result;
}

async function answer(message: ToReplayer): Promise<void> {
  switch (message.kind) {
    case 'replay':
    case 'portfolio':
      try {
        const result = message.kind === 'replay' ? await replay(message.request) : await portfolio(message.question);
        say({ kind: 'done', result });
      } catch (error) {
        say({ kind: 'failed', error: errorAsData(error) });
      }
      break;
    case 'close':
      await reader?.store.close();
      await rows?.close();
      // Nothing else holds the thread then.
      port!.close();
      break;
  }
}

port.on('message', (message: ToReplayer) => {
  last = last.then(() => answer(message));
});
