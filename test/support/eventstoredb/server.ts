import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Server as NetServer } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { FaultyCall } from './faults.js';
import { Faults, callError, refusal } from './faults.js';
import { EventLog } from './log.js';
import type { Node } from './node.js';
import { GossipService, ServerFeaturesService, StreamsService, featureMessages, gossipMessages } from './protocol.js';
import { read } from './reads.js';
import { append, batchAppend, remove } from './writes.js';

export interface EventStoreServerOptions {
  /** SQLite file that keeps the events; left out, they are gone with the server. */
  readonly path?: string;
  /** Port on 127.0.0.1; left out, a free one. */
  readonly port?: number;
  /** Whether the server offers batch append; clients fall back to one call an append. Default true. */
  readonly batchAppend?: boolean;
}

export interface EventStoreServer {
  /** Connection string for the client. */
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  /** The log behind the server, for what no client may do and for looking underneath. */
  readonly log: EventLog;
  /** How many connections are open. */
  readonly connections: number;
  /** Cuts every connection; the server goes on listening. */
  dropConnections(): Promise<void>;
  /** As if killed: cuts every connection and refuses new ones. */
  stop(): Promise<void>;
  /** Listens again, on the same port, with the same events. What the server only had in memory is kept, too. */
  start(): Promise<void>;
  /** `stop`, a pause of `downMs`, `start`. */
  restart(downMs?: number): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const VERSION = '24.2.0.0';
const MAX_MESSAGE_BYTES = 17 * 1024 * 1024;

/**
 * A server that speaks the gRPC protocol of EventStoreDB 24.2 on top of an event log of its own, as strict as the real
 * one as far as Waybook uses it, and that misbehaves on demand. Without TLS and without users; every node is a leader.
 */
export async function startEventStoreServer(options: EventStoreServerOptions = {}): Promise<EventStoreServer> {
  const log = new EventLog(options.path);
  const faults = new Faults();
  let port = options.port ?? 0;
  let running: Listening | undefined;
  const start = async () => {
    running ??= await listen(log, faults, port, options.batchAppend ?? true);
    ({ port } = running);
  };
  const stop = async () => {
    const stopped = running;
    running = undefined;
    await stopped?.stop();
  };
  await start();
  return {
    url: `esdb://${HOST}:${port}?tls=false`,
    port,
    faults,
    log,
    get connections() {
      return running?.connections() ?? 0;
    },
    dropConnections: async () => running?.dropConnections(),
    stop,
    start,
    restart: async (downMs = 0) => {
      await stop();
      await new Promise((resolve) => setTimeout(resolve, downMs));
      await start();
    },
    close: async () => {
      await stop();
      log.close();
    },
  };
}

interface Listening {
  readonly port: number;
  connections(): number;
  dropConnections(): Promise<void>;
  stop(): Promise<void>;
}

/** Listens itself and hands the sockets to gRPC, so that a connection can be cut like a cable. */
async function listen(log: EventLog, faults: Faults, wanted: number, offersBatch: boolean): Promise<Listening> {
  const sockets = new Map<string, Socket>();
  const timers = new Map<NodeJS.Timeout, () => void>();
  const grpc = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES });
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ noDelay: true }, (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    sockets.set(peer, socket);
    socket.on('close', () => sockets.delete(peer));
    socket.on('error', () => socket.destroy());
    injector.injectConnection(socket);
  });
  const port = await bind(listener, wanted);
  const node: Node = {
    host: HOST,
    port,
    log,
    faults,
    cut: (peer) => void sockets.get(peer)?.destroy(),
    sleep: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          resolve();
        }, ms);
        timers.set(timer, resolve);
      }),
  };
  addServices(grpc, node, offersBatch);
  const dropConnections = async () => {
    const open = [...sockets.values()];
    const closed = open.filter((socket) => !socket.closed).map((socket) => once(socket, 'close'));
    for (const socket of open) socket.destroy();
    await Promise.all(closed);
  };
  return {
    port,
    connections: () => sockets.size,
    dropConnections,
    stop: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      await dropConnections();
      await closed;
      grpc.forceShutdown();
      for (const [timer, resolve] of timers) {
        clearTimeout(timer);
        resolve();
      }
    },
  };
}

async function bind(listener: NetServer, port: number): Promise<number> {
  listener.listen(port, HOST);
  await once(listener, 'listening');
  return (listener.address() as AddressInfo).port;
}

function addServices(grpc: Server, node: Node, offersBatch: boolean): void {
  // Events are kept in the form they travel in, so that what is read is not encoded again.
  const readAsBytes = {
    ...StreamsService.read,
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
  const { batchAppend: batch, ...others } = StreamsService;
  const offered: Readonly<Record<string, { readonly path: string }>> = offersBatch
    ? { ...others, read: readAsBytes, batchAppend: batch }
    : { ...others, read: readAsBytes };
  grpc.addService(offered as never, {
    read: (call: Parameters<typeof read>[1]) => read(node, call),
    append: (call: Parameters<typeof append>[1], answer: Parameters<typeof append>[2]) => append(node, call, answer),
    delete: (call: Parameters<typeof remove>[2], answer: Parameters<typeof remove>[3]) =>
      remove(node, 'delete', call, answer),
    tombstone: (call: Parameters<typeof remove>[2], answer: Parameters<typeof remove>[3]) =>
      remove(node, 'tombstone', call, answer),
    ...(offersBatch ? { batchAppend: (call: Parameters<typeof batchAppend>[1]) => batchAppend(node, call) } : {}),
  });
  grpc.addService(ServerFeaturesService, {
    getSupportedMethods: unary(node, 'features', () =>
      supportedMethods(Object.values(offered).map(({ path }) => path)),
    ),
  } as UntypedServiceImplementation);
  grpc.addService(GossipService, {
    read: unary(node, 'gossip', () => clusterInfo(node)),
  } as UntypedServiceImplementation);
}

type Answer = (error: unknown, message?: unknown) => void;

const unary =
  (node: Node, name: FaultyCall, message: () => unknown) =>
  (call: { getPeer(): string }, answer: Answer): void => {
    const fault = node.faults.take(name);
    const refused = refusal(fault, node);
    if (refused !== undefined) answer(refused);
    else if (fault?.kind === 'drop') node.cut(call.getPeer());
    else if (fault?.kind === 'slow') void node.sleep(fault.ms).then(() => answer(null, message()));
    else if (fault === undefined) answer(null, message());
    else if (fault.kind !== 'hang') answer(callError(status.INTERNAL, `no ${fault.kind} in ${name}`));
  };

/** Named as the server does: in lower case, `service` and `method` apart. */
function supportedMethods(paths: readonly string[]) {
  const message = new featureMessages.SupportedMethods().setEventStoreServerVersion(VERSION);
  for (const path of paths) {
    const [, service = '', method = ''] = path.toLowerCase().split('/');
    message.addMethods(new featureMessages.SupportedMethod().setServiceName(service).setMethodName(method));
  }
  return message;
}

function clusterInfo({ host, port }: Node) {
  const member = new gossipMessages.MemberInfo()
    .setState(gossipMessages.MemberInfo.VNodeState.LEADER)
    .setIsAlive(true)
    .setTimeStamp(String(Date.now()))
    .setHttpEndPoint(new gossipMessages.EndPoint().setAddress(host).setPort(port));
  return new gossipMessages.ClusterInfo().setMembersList([member]);
}
