/** The lanes that run in this process: starting them, stopping them, and bringing those together that have met. */
import { keyOfCopy, type Checkpoint, type CopyRecord } from './checkpoint.js';
import type { CopyRegister } from './copy-register.js';
import { Lane, type Careful, type LaneEnd, type LaneSettings, type OwnCopy } from './lane.js';

interface RunningLane {
  readonly lane: Lane;
  readonly done: Promise<LaneEnd>;
}

export class LaneSet {
  readonly #settings: LaneSettings;
  readonly #copies: CopyRegister;
  readonly #ended: (lane: Lane, end: LaneEnd) => void;
  readonly #running = new Set<RunningLane>();

  /** @param ended told when a lane has ended by itself */
  constructor(settings: LaneSettings, copies: CopyRegister, ended: (lane: Lane, end: LaneEnd) => void) {
    this.#settings = settings;
    this.#copies = copies;
    this.#ended = ended;
  }

  get all(): readonly Lane[] {
    return [...this.#running].map(({ lane }) => lane);
  }

  /** Keys of the copies that a lane writes. */
  get keys(): ReadonlySet<string> {
    return new Set(this.all.flatMap((lane) => lane.copies.map(({ id }) => keyOfCopy(id))));
  }

  /** Starts a lane for copies that stand together. */
  start(copies: readonly OwnCopy[], checkpoint: Checkpoint | undefined, careful: Careful | undefined): void {
    const isBuilding = this.#copies.hasBuilding(copies);
    this.#start(new Lane(this.#settings, copies, checkpoint, { careful, isBuilding }));
  }

  /** Lets lanes end after the transaction under way, without waiting for it. */
  signalStop(): void {
    for (const { lane } of this.#running) lane.stop();
  }

  /** Stops lanes, all or those given, and notes how far they got. */
  async stop(which: (lane: Lane) => boolean = () => true): Promise<void> {
    for (const running of [...this.#running].filter(({ lane }) => which(lane))) {
      running.lane.stop();
      await running.done;
      this.#forget(running);
    }
  }

  /** Lanes that have come to the head and serve: they may go on as one. */
  get settled(): readonly Lane[] {
    return this.all.filter((lane) => lane.live && !lane.isCareful && !this.#copies.hasBuilding(lane.copies));
  }

  /**
   * Lets the lanes that have come to the head go on as one, those behind projecting up to where the first one stands.
   * @param read gives the copies as they are now: some may have been replaced meanwhile
   */
  async merge(read: () => Promise<readonly CopyRecord[]>): Promise<void> {
    const lanes = this.settled;
    if (lanes.length < 2) return;
    await this.stop((lane) => lanes.includes(lane));
    const ahead = lanes.reduce((a, b) => (positionOf(a) >= positionOf(b) ? a : b));
    const copies: OwnCopy[] = [];
    for (const lane of lanes) {
      if (positionOf(lane) < positionOf(ahead)) {
        const follower = new Lane(this.#settings, lane.copies, lane.checkpoint, { cache: lane.cache });
        await this.#runAside(follower, positionOf(ahead));
        // Whatever kept it from getting there will be met, and answered, by a lane of its own.
        if (positionOf(follower) !== positionOf(ahead)) continue;
      }
      copies.push(...lane.copies);
    }
    this.#copies.set(await read());
    const still = new Set(this.#copies.own().map(({ id }) => keyOfCopy(id)));
    const going = copies.filter(({ id }) => still.has(keyOfCopy(id)));
    if (going.length > 0) this.#start(new Lane(this.#settings, going, ahead.checkpoint, { cache: ahead.cache }));
  }

  /** Runs a lane to a position. It is among the others meanwhile, so that it can be stopped. */
  async #runAside(lane: Lane, until: bigint): Promise<void> {
    const running: RunningLane = { lane, done: lane.run(until) };
    this.#running.add(running);
    await running.done;
    this.#forget(running);
  }

  #start(lane: Lane): void {
    const running: RunningLane = { lane, done: lane.run() };
    this.#running.add(running);
    const over = (end: LaneEnd): void => {
      // One that was stopped from here is forgotten by who stopped it, and has nothing to say.
      if (this.#running.has(running) && !lane.isStopped) {
        this.#forget(running);
        this.#ended(lane, end);
      }
    };
    running.done.then(over, (error: unknown) => over({ kind: 'unavailable', error }));
  }

  #forget(running: RunningLane): void {
    this.#running.delete(running);
    this.#copies.advance(running.lane.copies, running.lane.checkpoint);
  }
}

const positionOf = ({ checkpoint }: Lane): bigint => checkpoint?.position ?? -1n;
