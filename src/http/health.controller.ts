import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SteppedClock } from '../clock.js';
import { DAY_MS, isInstant } from '../contract/calendar.js';
import { isPlainObject } from '../contract/fields.js';
import { pointerToken } from '../contract/validation.js';
import { EventStoreError } from '../event-store/event-store.js';
import { contentTypeOf, JSON_TYPE } from './media-types.js';
import { Metrics } from './metrics.js';
import { PARTS, type HttpParts, type ProjectionHealth } from './ports.js';
import { Problem, problemAt, type ProblemPlace } from './problem.js';
import { unsupportedMediaType } from './problem-filter.js';
import { parseIJson } from './ijson.js';
import { readQuery } from './query.js';

/** `degraded`: it takes events and answers, but some answers are old or missing. `failed`: it cannot serve. */
type Status = 'ok' | 'degraded' | 'failed';

/** What the ledger says about itself, and the clock of a ledger that is a demonstration. */
@Controller()
export class HealthController {
  readonly #parts: HttpParts;
  readonly #metrics: Metrics;
  /** Steps of the clock go one after another. */
  #stepping: Promise<unknown> = Promise.resolve();

  constructor(@Inject(PARTS) parts: HttpParts, @Inject(Metrics) metrics: Metrics) {
    this.#parts = parts;
    this.#metrics = metrics;
  }

  @Get('health')
  async health(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    readQuery(request, []);
    const { clock, health, origin, version } = this.#parts;
    const head = await this.#head();
    const projections = health.projections();
    const watch = health.watch?.();
    const isWell = (state: string): boolean => state === 'live' || state === 'standby';
    const status: Status =
      !health.ready() || head === 'unreachable'
        ? 'failed'
        : projections.every(({ state }) => isWell(state)) && (watch === undefined || isWell(watch.state))
          ? 'ok'
          : 'degraded';
    const stepped = clock instanceof SteppedClock;
    const position = head === 'unreachable' ? undefined : head;
    void reply.code(status === 'failed' ? 503 : 200).send({
      status,
      version,
      origin,
      clock: { kind: stepped ? 'stepped' : 'system', now: new Date(clock.now()).toISOString() },
      note: stepped
        ? 'a demonstration: its clock is moved by hand, and its records prove nothing about any time'
        : null,
      store: { reachable: head !== 'unreachable', position: textOf(position) },
      projections: projections.map((projection) => described(projection, position)),
      watch:
        watch === undefined
          ? null
          : {
              state: watch.state,
              through: watch.through ?? null,
              lag: { days: watch.lagDays ?? null },
              noticed: watch.noticed,
              error: watch.error ?? null,
            },
    });
  }

  async #head(): Promise<bigint | undefined | 'unreachable'> {
    try {
      return await this.#parts.health.head();
    } catch (error) {
      if (error instanceof EventStoreError) return 'unreachable';
      throw error;
    }
  }

  @Get('metrics')
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    readQuery(request, []);
    const text = await this.#metrics.text();
    void reply.header('content-type', this.#metrics.contentType).send(text);
  }

  /** Moves a stepped clock on, stopping at each midnight on the way. */
  @Post('clock')
  @HttpCode(200)
  async step(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body() body: Buffer,
  ): Promise<{ readonly now: string; readonly position: string | null }> {
    readQuery(request, []);
    if (contentTypeOf(request) !== JSON_TYPE) throw unsupportedMediaType([JSON_TYPE], request);
    const { clock } = this.#parts;
    if (!(clock instanceof SteppedClock))
      throw new Problem('clock-not-stepped', 'this ledger goes by the clock of its machine');
    const target = instantOf(body);
    // Years may pass, and with them all that the watch does in them: the connection is not idle meanwhile.
    request.raw.socket.setTimeout(0);
    const step = this.#stepping.then(() => this.#pass(clock, target));
    // Who comes next waits for the end of this step, however it ends.
    this.#stepping = step.catch(() => undefined);
    await step;
    const now = new Date(clock.now()).toISOString();
    // What the watch recorded on the way is up to there: with `after` the next question waits for it.
    const position = textOf(await this.#parts.health.head());
    if (position !== null) void reply.header('waybook-position', position);
    return { now, position };
  }

  async #pass(clock: SteppedClock, target: number): Promise<void> {
    if (target < clock.now())
      throw problemAt('clock-goes-back', '/now', `must not be before ${new Date(clock.now()).toISOString()}`);
    for (let midnight = (Math.floor(clock.now() / DAY_MS) + 1) * DAY_MS; midnight <= target; midnight += DAY_MS) {
      clock.moveTo(midnight);
      await this.#parts.onDay?.(new Date(midnight).toISOString().slice(0, 10));
    }
    clock.moveTo(target);
    await this.#parts.onMoved?.(target);
  }
}

/** @throws Problem `invalid-json`, `invalid-body` */
function instantOf(body: Buffer): number {
  const parsed = parseIJson(body);
  if (!parsed.ok) throw new Problem('invalid-json', 'the body is not I-JSON', parsed.problems);
  const sent = parsed.value;
  if (!isPlainObject(sent)) throw problemAt('invalid-body', '', 'must be a JSON object');
  const errors: ProblemPlace[] = Object.keys(sent)
    .filter((name) => name !== 'now')
    .map((name) => ({ pointer: `/${pointerToken(name)}`, detail: 'is not known here; there is now' }));
  if (errors.length > 0) throw new Problem('invalid-body', 'the body has members that are not known', errors);
  const { now } = sent;
  if (!isInstant(now)) throw problemAt('invalid-body', '/now', 'must be an instant in UTC, as 2026-01-16T09:30:00Z');
  return Date.parse(now);
}

function described(
  { name, version, state, position, building, lag, error }: ProjectionHealth,
  head: bigint | undefined,
) {
  // It may not have heard yet of what the store has: then nobody knows how many there are.
  const isBehind = (position ?? 0n) < (head ?? 0n);
  const events = lag.events === 0 && isBehind ? undefined : lag.events;
  return {
    name,
    version,
    state,
    position: textOf(position),
    building: building === undefined ? null : { version: building.version, position: textOf(building.position) },
    lag: { events: events ?? null, milliseconds: Math.round(lag.milliseconds) },
    error: error === undefined ? null : { code: error.code, detail: error.detail, event: error.event ?? null },
  };
}

const textOf = (position: bigint | undefined): string | null => (position === undefined ? null : String(position));
