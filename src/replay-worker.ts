/**
 * A thread that answers questions about the past, and adds up the present, one at a time. Store and read model are opened
 * for the first of them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { projections } from '../projections/index.js';
import { contractStatus } from '../projections/contract-status/contract-status.js';
import { exposure } from '../projections/contract-status/exposure.js';
import { portfolioFacts } from '../projections/portfolio-facts/portfolio-facts.js';
import { scorecardPage } from '../projections/scorecards/queries.js';
import { scorecards } from '../projections/scorecards/scorecards.js';
import { openReader, type ReaderStore } from './open-store.js';
import { portfolioAnswer, type PortfolioAnswer, type PortfolioQuestion } from './subscriptions/portfolio.js';
import { openReadModel, type ReadModel } from './subscriptions/read-model.js';
import { replayContract, type ReplayedRows, type ReplayRequest } from './subscriptions/replay.js';
import {
  errorAsData,
  type FromReplayer,
  type ReplayJob,
  type ReplayThreadData,
  type ToReplayer,
} from './subscriptions/threads.js';

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

const query: ReadModel['query'] = (projection, use) => (rows ??= openReadModel(readModel)).query(projection, use);

async function portfolio(question: PortfolioQuestion): Promise<PortfolioAnswer> {
  const { result } = await query(portfolioFacts, (snapshot) => portfolioAnswer(snapshot, question));
  return result;
}

function resultOf(job: ReplayJob) {
  switch (job.kind) {
    case 'replay':
      return replay(job.request);
    case 'portfolio':
      return portfolio(job.question);
    case 'exposure':
      return query(contractStatus, (snapshot) => exposure(snapshot, job.question));
    case 'scorecards':
      return query(scorecards, (snapshot) => scorecardPage(snapshot, job.page));
  }
}

async function answer(message: ToReplayer): Promise<void> {
  if (message.kind === 'close') {
    await reader?.store.close();
    await rows?.close();
    // Nothing else holds the thread then.
    port!.close();
    return;
  }
  try {
    say({ kind: 'done', result: await resultOf(message) });
  } catch (error) {
    say({ kind: 'failed', error: errorAsData(error) });
  }
}

port.on('message', (message: ToReplayer) => {
  last = last.then(() => answer(message));
});
