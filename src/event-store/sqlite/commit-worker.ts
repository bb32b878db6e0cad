/** The thread that writes events: takes appends as they come, commits them in groups, and answers each. */
import { parentPort, workerData } from 'node:worker_threads';
import { EventStoreError } from '../event-store.js';
import type { AppendResult, EventToAppend, ExpectedRevision } from '../event-store.js';
import type { ErrorAnswer, FlatAppends, FromCommitter, ToCommitter } from './commit-thread.js';
import { translated } from './errors.js';
import { openBeside } from './files.js';
import { GroupCommit } from './group-commit.js';

const port = parentPort;
if (port === null) throw new Error('commit-worker is started as a thread');

/** Streams whose last revisions are remembered, about 200 bytes each. */
const STREAMS_KEPT = 20_000;

const file = openBeside(workerData as string);
const { db, path } = file;
let answers: (AppendResult | ErrorAnswer)[] = [];
let committed: bigint | undefined;
const group = new GroupCommit(db, path, STREAMS_KEPT, (position) => {
  committed = position;
});

function answer(one: AppendResult | ErrorAnswer): void {
  answers.push(one);
  // A group is answered in one go: this comes after the answers of all its appends.
  if (answers.length === 1) queueMicrotask(flush);
}

function flush(): void {
  if (answers.length === 0) return;
  const message: FromCommitter = { answers, committed };
  answers = [];
  committed = undefined;
  port!.postMessage(message);
}

function refused(error: unknown): void {
  const known = error instanceof EventStoreError ? error : translated(error, `appending to ${path}`);
  answer({ code: known.code, message: known.message, stream: known.stream, actual: known.actual });
}

function take(appends: FlatAppends): void {
  for (let at = 0; at < appends.length;) {
    const stream = appends[at] as string;
    const expected = appends[at + 1] as ExpectedRevision;
    const count = appends[at + 2] as number;
    at += 3;
    const events: EventToAppend[] = [];
    for (const end = at + 4 * count; at < end; at += 4)
      events.push({
        id: appends[at] as string,
        type: appends[at + 1] as string,
        data: appends[at + 2] as string,
        metadata: appends[at + 3] as string,
      });
    group.append(stream, expected, events).then(answer, refused);
  }
}

port.on('message', (message: ToCommitter) => {
  switch (message.kind) {
    case 'append':
      take(message.appends);
      break;
    case 'close':
      group.finish();
      // In a turn of its own: the answers of what has just been finished go first.
      setImmediate(() => {
        file.close();
        port.close();
      });
      break;
  }
});
