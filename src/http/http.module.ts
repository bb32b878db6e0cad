import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { RecordEventsHandler } from '../commands/record-events.js';
import { Recorder } from '../commands/recorder.js';
import type { ApiPaths } from './api.js';
import { feedPaths, runningPaths, writingPaths } from './api-paths.js';
import { Closing } from './closing.js';
import { DocsController } from './docs.controller.js';
import { FeedController } from './feed.controller.js';
import { HealthController } from './health.controller.js';
import { Intake } from './intake.js';
import { Limits } from './limits.js';
import { Metrics } from './metrics.js';
import { API_DOCUMENT, openApiDocument } from './openapi.js';
import { PARTS, type HttpParts } from './ports.js';
import { WritingController } from './writing.controller.js';

/** Further controllers, as the read models bring them: what they need, and how they describe what they serve. */
export interface HttpExtension {
  readonly controllers: readonly Type[];
  readonly providers?: readonly Provider[];
  readonly paths: ApiPaths;
}

/** All paths that a server with these extensions serves. A path may be written to here and read from there. */
export function mergedPaths(extensions: readonly HttpExtension[]): ApiPaths {
  const merged: Record<string, ApiPaths[string]> = {};
  for (const paths of [writingPaths, feedPaths, ...extensions.map((extension) => extension.paths), runningPaths])
    for (const [path, item] of Object.entries(paths)) merged[path] = { ...merged[path], ...item };
  return merged;
}

@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- what a dynamic module is in Nest
export class HttpModule {
  /**
   * Controllers are given `Limits`, `Closing`, `Metrics` and, under {@link PARTS}, the parts.
   */
  static register(parts: HttpParts, extensions: readonly HttpExtension[] = []): DynamicModule {
    const metrics = new Metrics(parts.health);
    return {
      module: HttpModule,
      imports: [CqrsModule.forRoot()],
      controllers: [
        WritingController,
        FeedController,
        HealthController,
        DocsController,
        ...extensions.flatMap(({ controllers }) => controllers),
      ],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: Recorder, useValue: parts.recorder },
        { provide: Metrics, useValue: metrics },
        { provide: API_DOCUMENT, useValue: openApiDocument(mergedPaths(extensions), parts) },
        Closing,
        Intake,
        Limits,
        RecordEventsHandler,
        ...extensions.flatMap(({ providers }) => providers ?? []),
      ],
    };
  }
}
