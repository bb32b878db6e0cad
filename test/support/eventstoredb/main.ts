import { startEventStoreServer } from './server.js';

/**
 * Runs the server by itself: `node main.js [--port PORT] [--file PATH]`. Prints the connection string as its first line
 * and stays up until stopped; with `--file` the events are there again after a restart.
 */
const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

const port = option('--port');
const path = option('--file');
const server = await startEventStoreServer({
  ...(port === undefined ? {} : { port: Number(port) }),
  ...(path === undefined ? {} : { path }),
});
console.log(server.url);

const stop = (): void => {
  server.close().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
