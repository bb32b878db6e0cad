import { Metadata, status } from '@grpc/grpc-js';

/** What a fault can be injected into; a subscription is a read of its own kind. */
export type FaultyCall = 'append' | 'read' | 'subscribe' | 'delete' | 'features' | 'gossip';

/**
 * How the server misbehaves in one call.
 *
 * - `refuse`: answers with a gRPC status, having done nothing
 * - `not-ready`, `busy`: the texts of a server that has just started, has lost its leader or is overloaded
 * - `not-leader`: names the leader in the trailers, by default the server itself, as a cluster does after an election
 * - `hang`: takes the call, does nothing and never answers
 * - `drop`: cuts the TCP connection; a read or a subscription gives `after` events first, an append stores nothing
 *
 * Of appends only:
 * - `stored-then-drop`, `stored-then-hang`: stores, and the answer is lost with the connection or for ever
 * - `slow`: stores and answers after `ms`
 * - `answer-twice`: says the same thing twice, which the real server does after a bad request
 * - `no-position`: leaves the position out of its answer, `huge-position`: says -1 as an unsigned number
 *
 * Of subscriptions only:
 * - `end`: ends the call without an error after so many events
 * - `no-caught-up`: never says so, like servers of long ago
 * - `checkpoint-beyond`: sends a checkpoint with the largest position there is, as some servers do
 */
export type Fault =
  | { readonly kind: 'refuse'; readonly code: status; readonly details?: string }
  | { readonly kind: 'not-ready' | 'busy' | 'hang' }
  | { readonly kind: 'not-leader'; readonly leader?: { readonly host: string; readonly port: number } }
  | { readonly kind: 'drop'; readonly after?: number }
  | { readonly kind: 'stored-then-drop' | 'stored-then-hang' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'answer-twice' | 'no-position' | 'huge-position' }
  | { readonly kind: 'end'; readonly after: number }
  | { readonly kind: 'no-caught-up' | 'checkpoint-beyond' };

/** The faults still to come, per kind of call, in the order they were injected. */
export class Faults {
  readonly #coming = new Map<FaultyCall, Fault[]>();
  /** How many calls of each kind the server has taken, faulty or not. */
  readonly taken: Record<FaultyCall, number> = { append: 0, read: 0, subscribe: 0, delete: 0, features: 0, gossip: 0 };

  /** Has the next `times` calls meet the fault. */
  next(call: FaultyCall, fault: Fault, times = 1): void {
    const coming = this.#coming.get(call) ?? [];
    for (let left = times; left > 0; left--) coming.push(fault);
    this.#coming.set(call, coming);
  }

  /** How many faults no call has met yet. */
  get left(): number {
    let sum = 0;
    for (const coming of this.#coming.values()) sum += coming.length;
    return sum;
  }

  clear(): void {
    this.#coming.clear();
  }

  /** For the server: the fault that this call meets. */
  take(call: FaultyCall): Fault | undefined {
    this.taken[call]++;
    return this.#coming.get(call)?.shift();
  }
}

/** An error as grpc-js takes it: status, text and trailers. */
export interface CallError {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The server names the exception, and what belongs to it, in the trailers. */
export function callError(code: status, details: string, trailers: Readonly<Record<string, string>> = {}): CallError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.add(name, value);
  return { code, details, metadata };
}

/** What a fault that refuses says, outside a batch append; `undefined` for a fault that does something else. */
export function refusal(fault: Fault | undefined, own: { host: string; port: number }): CallError | undefined {
  if (fault === undefined) return undefined;
  switch (fault.kind) {
    case 'refuse':
      return callError(fault.code, fault.details ?? 'refused by the test');
    case 'not-ready':
      return callError(status.UNAVAILABLE, 'Server Is Not Ready');
    case 'busy':
      return callError(status.UNAVAILABLE, 'Server Is Too Busy');
    case 'not-leader': {
      const { host, port } = fault.leader ?? own;
      const leader = { 'leader-endpoint-host': host, 'leader-endpoint-port': String(port) };
      return callError(status.NOT_FOUND, 'Leader info available', { exception: 'not-leader', ...leader });
    }
    case 'hang':
    case 'drop':
    case 'stored-then-drop':
    case 'stored-then-hang':
    case 'slow':
    case 'answer-twice':
    case 'no-position':
    case 'huge-position':
    case 'end':
    case 'no-caught-up':
    case 'checkpoint-beyond':
      return undefined;
  }
}
