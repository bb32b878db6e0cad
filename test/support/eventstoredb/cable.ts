import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A cable to a server on this machine that can be frozen, as if either end stood still, and cut. */
export interface Cable {
  readonly port: number;
  /** Nothing gets through any more, and nobody is told; what is written waits where it is. */
  freeze(): void;
  thaw(): void;
  /** Ends all connections; new ones get through. */
  cut(): void;
  close(): Promise<void>;
}

export async function layCable(toPort: number): Promise<Cable> {
  const ends = new Set<Socket>();
  let frozen = false;
  const listener = createServer((near) => {
    const far = connect(toPort, '127.0.0.1');
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('data', (bytes) => void other.write(bytes));
      end.on('error', () => other.destroy());
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
      if (frozen) end.pause();
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const cut = () => {
    for (const end of ends) end.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    freeze: () => {
      frozen = true;
      for (const end of ends) end.pause();
    },
    thaw: () => {
      frozen = false;
      for (const end of ends) end.resume();
    },
    cut,
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      cut();
      await closed;
    },
  };
}
