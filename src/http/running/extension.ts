/** Rebuilding by hand, while a server holds the files: what `waybook rebuild` asks for. */
import { codeOf, messageOf } from '../../subscriptions/errors.js';
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Projection } from '../../../projections/projection.js';
import { ALL, type ProjectorControl, type RebuildProgress } from '../../subscriptions/status.js';
import type { ApiPaths } from '../api.js';
import type { HttpExtension } from '../http.module.js';
import { NDJSON } from '../media-types.js';
import { problemAt, problemBody, problemOf } from '../problem.js';
import { choiceParameter, readQuery } from '../query.js';
import { answerStream } from '../streaming.js';

const REBUILDER = Symbol('what rebuilds');

interface Rebuilder {
  readonly control: Pick<ProjectorControl, 'rebuild'>;
  readonly names: readonly string[];
}

@Controller('rebuild')
export class RebuildController {
  readonly #rebuilder: Rebuilder;

  constructor(@Inject(REBUILDER) rebuilder: Rebuilder) {
    this.#rebuilder = rebuilder;
  }

  @Post()
  async rebuild(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readQuery(request, ['projection']);
    if (Number(request.headers['content-length'] ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined)
      throw problemAt('bad-request', '', 'must be empty: the projection is named in the query');
    const name = choiceParameter(query, 'projection', this.#rebuilder.names) ?? ALL;
    await answerStream(
      reply,
      NDJSON,
      progressLines((report) => this.#rebuilder.control.rebuild(name, report)),
    );
  }
}

/** A line for each step that the caller was quick enough to hear of, and a last one with how it ended. */
async function* progressLines(
  run: (report: (progress: RebuildProgress) => void) => Promise<void>,
): AsyncGenerator<string, void, undefined> {
  let latest: RebuildProgress | undefined;
  let wake = (): void => undefined;
  const state: { ended?: string } = {};
  const work = run((progress) => {
    latest = progress;
    wake();
  }).then(
    () => void (state.ended = '{"rebuilt":true}\n'),
    (error: unknown) => {
      const problem = problemOf(error);
      const code = codeOf(error);
      const body =
        problem !== undefined
          ? problemBody(problem.code, problem.detail, problem.errors)
          : code === 'rebuild-running' || code === 'rebuild-failed' || code === 'projector-stopped'
            ? problemBody(code, messageOf(error), [])
            : problemBody('internal-error', 'it failed', []);
      state.ended = `${JSON.stringify({ rebuilt: false, problem: body })}\n`;
    },
  );
  void work.then(() => wake());
  for (;;) {
    if (latest !== undefined) {
      const progress = latest;
      latest = undefined;
      yield `${JSON.stringify({ progress }, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`;
    } else if (state.ended !== undefined) {
      yield state.ended;
      return;
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (latest !== undefined || state.ended !== undefined) resolve();
      });
    }
  }
}

const paths: ApiPaths = {
  '/rebuild': {
    post: {
      operationId: 'rebuild',
      tag: 'Running',
      summary: 'Builds projections anew beside their rows, and switches when they have caught up',
      description:
        'Queries keep answering meanwhile. Progress comes a line at a time; the last line says how it ended.',
      parameters: [
        { name: 'projection', in: 'query', description: 'One of them; left out: all.', schema: { type: 'string' } },
      ],
      responses: {
        '200': { description: 'Progress, a line at a time.', content: { [NDJSON]: { schema: { type: 'object' } } } },
      },
      problems: ['invalid-query'],
    },
  },
};

export const runningExtension = (
  control: Pick<ProjectorControl, 'rebuild'>,
  projections: readonly Projection[],
): HttpExtension => ({
  controllers: [RebuildController],
  providers: [
    { provide: REBUILDER, useValue: { control, names: projections.map(({ name }) => name) } satisfies Rebuilder },
  ],
  paths,
});
