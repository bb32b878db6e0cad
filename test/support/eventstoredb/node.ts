import type { Faults } from './faults.js';
import type { EventLog } from './log.js';

/** What the handlers of the calls see of the server. */
export interface Node {
  readonly host: string;
  readonly port: number;
  readonly log: EventLog;
  readonly faults: Faults;
  /** Cuts the connection with this peer (`ADDRESS:PORT`). */
  cut(peer: string): void;
  /** Resolves after `ms`, at once when the server stops. */
  sleep(ms: number): Promise<void>;
}
