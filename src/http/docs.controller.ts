import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { docsPage, PAGE_STYLE } from './docs-page.js';
import { API_DOCUMENT, type OpenApiDocument } from './openapi.js';
import { readQuery } from './query.js';

const STYLE_HASH = createHash('sha256').update(PAGE_STYLE).digest('base64');

/** The description of the API, for programs and for people. It is the same for every caller. */
@Controller('docs')
export class DocsController {
  readonly #json: string;
  readonly #page: string;

  constructor(@Inject(API_DOCUMENT) document: OpenApiDocument) {
    this.#json = JSON.stringify(document);
    this.#page = docsPage(document);
  }

  @Get('openapi.json')
  document(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    readQuery(request, []);
    void reply.header('content-type', 'application/json; charset=utf-8').send(this.#json);
  }

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    readQuery(request, []);
    void reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`)
      .send(this.#page);
  }
}
