/** The thread that writes large batches to SQLite: one after the other, each one transaction. */
import { parentPort, workerData } from 'node:worker_threads';
import { ChangeFailure, Moved } from './batch.js';
import { messageOf, ReadModelError } from './errors.js';
import { rowsOf, type BatchMessage, type FromWriter, type ToWriter } from './sqlite-thread.js';
import { openSqliteWriter, type SqliteWriter } from './sqlite-writer.js';

const port = parentPort;
if (port === null) throw new Error('sqlite-writer-worker is started as a thread');

let writer: SqliteWriter | undefined;
/** What is asked of this thread is done one after the other, closing last. */
let last: Promise<void> = Promise.resolve();

async function write({ copies, from, to, changes }: BatchMessage): Promise<FromWriter> {
  try {
    writer ??= await openSqliteWriter(workerData as string);
    const { writeValues } = writer;
    await writer.transaction(async (transaction) => {
      if (!(await transaction.moveCheckpoints(copies, from, to))) throw new Moved();
      for (const { copy, table, puts, removes } of changes)
        try {
          writeValues(copy, table, rowsOf(puts, Object.keys(table.columns).length), rowsOf(removes, table.key.length));
        } catch (error) {
          throw new ChangeFailure(copy, error);
        }
    });
    return { kind: 'written', moved: false };
  } catch (error) {
    if (error instanceof Moved) return { kind: 'written', moved: true };
    const why = error instanceof ChangeFailure ? error.why : error;
    return {
      kind: 'failed',
      code: why instanceof ReadModelError ? why.code : 'read-model-unavailable',
      message: messageOf(why),
      copy: error instanceof ChangeFailure ? error.copy : undefined,
    };
  }
}

async function answer(message: ToWriter): Promise<void> {
  switch (message.kind) {
    case 'batch':
      port!.postMessage(await write(message.batch));
      break;
    case 'close':
      await writer?.close();
      // Nothing else holds the thread then.
      port!.close();
      break;
  }
}

port.on('message', (message: ToWriter) => {
  last = last.then(() => answer(message));
});
