/** The thread of the projector: opens store and read model, projects, and says how far it has got. */
import { parentPort, workerData } from 'node:worker_threads';
import { projections } from '../projections/index.js';
import { openReader, type ReaderStore } from './open-store.js';
import { buildHelpers } from './subscriptions/build-helpers.js';
import { Projector } from './subscriptions/projector.js';
import {
  errorAsData,
  type FromProjector,
  type ProjectorThreadData,
  type ToProjector,
} from './subscriptions/threads.js';

const port = parentPort;
if (port === null) throw new Error('projector-worker is started as a thread');

const { eventStore, readModel } = workerData as ProjectorThreadData;
const say = (message: FromProjector): void => port.postMessage(message);

async function open(): Promise<{ readonly reader: ReaderStore; readonly projector: Projector }> {
  const reader = await openReader(eventStore);
  try {
    const projector = await Projector.start({
      store: reader.store,
      readModel,
      projections,
      threaded: true,
      help: buildHelpers({ worker: new URL('./build-worker.js', import.meta.url), eventStore, readModel }),
      warn: (line) => say({ kind: 'warning', line }),
      onStatus: (statuses) => say({ kind: 'status', statuses }),
    });
    return { reader, projector };
  } catch (error) {
    await reader.store.close();
    throw error;
  }
}

try {
  const { reader, projector } = await open();
  const rebuild = (id: number, name: string): void => {
    projector
      .rebuild(name, (progress) => say({ kind: 'progress', id, progress }))
      .then(
        () => say({ kind: 'rebuilt', id, error: undefined }),
        (error: unknown) => say({ kind: 'rebuilt', id, error: errorAsData(error) }),
      );
  };
  const close = async (): Promise<void> => {
    await projector.close();
    await reader.store.close();
    // Nothing else holds the thread then.
    port.close();
  };
  port.on('message', (message: ToProjector) => {
    switch (message.kind) {
      case 'poke':
        reader.poke();
        break;
      case 'rebuild':
        rebuild(message.id, message.projection);
        break;
      case 'close':
        void close();
        break;
    }
  });
  say({ kind: 'started' });
} catch (error) {
  say({ kind: 'refused', error: errorAsData(error) });
}
