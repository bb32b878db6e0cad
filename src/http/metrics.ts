import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HealthSource } from './ports.js';
import type { Tally } from './results.js';

/** What `/metrics` tells. One registry for each server, so that two in one process do not add up. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #durations: Histogram<'method' | 'route' | 'status'>;
  readonly #events: Counter<'result'>;
  readonly #batches: Histogram;
  readonly #health: HealthSource;
  readonly #head: Gauge;
  readonly #position: Gauge<ProjectionLabel>;
  readonly #failed: Gauge<ProjectionLabel>;
  readonly #lag: Gauge<ProjectionLabel>;
  readonly #watchLag: Gauge;

  constructor(health: HealthSource) {
    this.#health = health;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#durations = new Histogram({
      name: 'waybook_http_request_duration_seconds',
      help: 'Time from the headers of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers,
    });
    this.#events = new Counter({
      name: 'waybook_events_total',
      help: 'Events sent, by what became of them.',
      labelNames: ['result'],
      registers,
    });
    for (const result of RESULTS) this.#events.inc({ result }, 0);
    this.#batches = new Histogram({
      name: 'waybook_request_events',
      help: 'Events sent together: in one request, or in one group of a stream of lines.',
      buckets: [1, 2, 5, 10, 50, 100, 500, 1_000],
      registers,
    });
    this.#head = new Gauge({
      name: 'waybook_store_position',
      help: 'Position of the last event in the store.',
      registers,
    });
    const labelNames = ['projection', 'version'] as const;
    this.#position = new Gauge({
      name: 'waybook_projection_position',
      help: 'Position up to which a projection is complete.',
      labelNames,
      registers,
    });
    this.#failed = new Gauge({
      name: 'waybook_projection_failed',
      help: '1 where a projection stopped at an event it could not take.',
      labelNames,
      registers,
    });
    this.#lag = new Gauge({
      name: 'waybook_projection_lag_seconds',
      help: 'Time since the rows of a projection had everything there was.',
      labelNames,
      registers,
    });
    this.#watchLag = new Gauge({
      name: 'waybook_watch_lag_days',
      help: 'Days that have begun and that the watch has not looked at.',
      registers,
    });
  }

  /** @param route the pattern of the route, so that there are no more series than routes */
  answered(method: string, route: string, status: number, seconds: number): void {
    this.#durations.observe({ method, route, status: String(status) }, seconds);
  }

  recorded(tally: Tally): void {
    let all = 0;
    for (const result of RESULTS)
      if (tally[result] > 0) {
        this.#events.inc({ result }, tally[result]);
        all += tally[result];
      }
    this.#batches.observe(all);
  }

  /** Prometheus text format. */
  async text(): Promise<string> {
    for (const gauge of [this.#head, this.#position, this.#failed, this.#lag]) gauge.reset();
    // Where the store does not answer there is no figure; /health says that it does not.
    const head = await this.#health.head().catch(() => undefined);
    this.#head.set(head === undefined ? Number.NaN : Number(head));
    for (const { name, version, position, state, lag } of this.#health.projections()) {
      const labels = { projection: name, version: String(version) };
      this.#position.set(labels, Number(position ?? 0n));
      this.#failed.set(labels, state === 'failed' ? 1 : 0);
      this.#lag.set(labels, lag.milliseconds / 1_000);
    }
    this.#watchLag.set(this.#health.watch?.().lagDays ?? Number.NaN);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

type ProjectionLabel = 'projection' | 'version';

const RESULTS = ['recorded', 'duplicate', 'refused', 'failed'] as const;
