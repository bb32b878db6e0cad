import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HealthSource } from './ports.js';
import type { Tally } from './results.js';

/** What `/metrics` tells. One registry for each server, so that two in one process do not add up. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #durations: Histogram<'method' | 'route' | 'status'>;
  readonly #events: Counter<'result'>;
  readonly #batches: Histogram;

  constructor(health: HealthSource) {
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
    const position = new Gauge({
      name: 'waybook_projection_position',
      help: 'Position up to which a projection is complete.',
      labelNames: ['projection', 'version'],
      registers,
    });
    const failed = new Gauge({
      name: 'waybook_projection_failed',
      help: '1 where a projection stopped at an event it could not take.',
      labelNames: ['projection', 'version'],
      registers,
    });
    const head = new Gauge({
      name: 'waybook_store_position',
      help: 'Position of the last event in the store.',
      registers,
      collect: async () => {
        // Where the store does not answer there is no figure; /health tells why.
        const last = await health.head().catch(() => undefined);
        if (last === undefined) head.reset();
        else head.set(Number(last));
      },
    });
    const lag = new Gauge({
      name: 'waybook_projection_lag_seconds',
      help: 'Time since the rows of a projection had everything there was.',
      labelNames: ['projection', 'version'],
      registers,
      collect: () => {
        for (const gauge of [position, failed, lag]) gauge.reset();
        for (const projection of health.projections()) {
          const labels = { projection: projection.name, version: String(projection.version) };
          position.set(labels, Number(projection.position ?? 0n));
          failed.set(labels, projection.state === 'failed' ? 1 : 0);
          lag.set(labels, projection.lag.milliseconds / 1_000);
        }
      },
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
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

const RESULTS = ['recorded', 'duplicate', 'refused', 'failed'] as const;
