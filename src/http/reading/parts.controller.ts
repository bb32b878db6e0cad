import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { delayAccountability } from '../../../projections/delay-accountability/delay-accountability.js';
import { accountabilityView } from '../../../projections/delay-accountability/queries.js';
import { discrepancies } from '../../../projections/discrepancies/discrepancies.js';
import { discrepanciesView } from '../../../projections/discrepancies/queries.js';
import { obligations } from '../../../projections/obligations/obligations.js';
import { obligationsView } from '../../../projections/obligations/queries.js';
import { payments } from '../../../projections/payments/payments.js';
import { paymentsView } from '../../../projections/payments/queries.js';
import { loadRows, type ContractRows, type Projection } from '../../../projections/projection.js';
import { quality } from '../../../projections/quality/quality.js';
import { qualityView } from '../../../projections/quality/queries.js';
import { scheduleView } from '../../../projections/schedule/queries.js';
import { schedule } from '../../../projections/schedule/schedule.js';
import { shipmentsView } from '../../../projections/shipments/queries.js';
import { shipments } from '../../../projections/shipments/shipments.js';
import { JSON_TYPE, negotiate } from '../media-types.js';
import { readQuery } from '../query.js';
import { ONE_CONTRACT, Reading } from './reading.js';

/** One contract, a read model at a time. */
@Controller('contracts')
export class PartsController {
  readonly #reading: Reading;

  constructor(@Inject(Reading) reading: Reading) {
    this.#reading = reading;
  }

  @Get(':id/schedule')
  schedule(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, schedule, scheduleView);
  }

  @Get(':id/accountability')
  accountability(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, delayAccountability, accountabilityView);
  }

  @Get(':id/quality')
  quality(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, quality, qualityView);
  }

  @Get(':id/shipments')
  shipments(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, shipments, shipmentsView);
  }

  @Get(':id/discrepancies')
  discrepancies(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, discrepancies, discrepanciesView);
  }

  @Get(':id/payments')
  payments(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, payments, paymentsView);
  }

  @Get(':id/obligations')
  obligations(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#part(id, request, reply, obligations, obligationsView);
  }

  async #part(
    id: string,
    request: FastifyRequest,
    reply: FastifyReply,
    projection: Projection,
    view: (rows: ContractRows, day: string) => object | undefined,
  ): Promise<void> {
    const query = readQuery(request, ONE_CONTRACT);
    negotiate(request, [JSON_TYPE]);
    const shown = await this.#reading.contract(
      request,
      reply,
      query,
      id,
      projection,
      async (snapshot, day) => view(await loadRows(snapshot, projection.tables, id), day),
      view,
    );
    void reply.send({ asOf: shown.asOf, on: shown.on, position: shown.position, ...shown.result });
  }
}
