/**
 * What (a) is compared with: the least that a NestJS service on Fastify does with an event. One class, checked by
 * class-validator through Nest's own ValidationPipe, and an answer of the same form as the ledger's. It keeps nothing.
 * Started as a process of its own; sends its address to whoever started it.
 */
import 'reflect-metadata';
import { Body, Controller, Module, Post, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Equals, IsISO8601, IsNotEmpty, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** An event of manufacturing progress with its fields beside each other, so that it is one class. */
class ProgressReport {
  @Equals('1.0') readonly specversion!: string;
  @IsString() @Length(1, 512) readonly id!: string;
  @IsString() @IsNotEmpty() readonly source!: string;
  @Equals('ManufacturingProgressed') readonly type!: string;
  @IsISO8601({ strict: true }) readonly time!: string;
  @Matches(ID) readonly subject!: string;
  @IsOptional() @IsString() readonly correlationid?: string;
  @IsOptional() @Equals('application/json') readonly datacontenttype?: string;
  @Matches(ID) readonly line!: string;
  @IsString() @Length(1, 200) readonly stage!: string;
  @Min(0) @Max(100) readonly percent!: number;
  @Min(0) readonly unitsCompleted!: number;
}

@Controller()
class ProgressController {
  #received = 0;

  @Post('contracts/:id/events')
  take(@Body() report: ProgressReport): object {
    this.#received += 1;
    const revision = String(this.#received);
    return { results: [{ id: report.id, status: 'recorded', revision, position: revision, problem: null }] };
  }
}

@Module({ controllers: [ProgressController] })
// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is a class that has only its decorator
class ProgressModule {}

const app = await NestFactory.create<NestFastifyApplication>(ProgressModule, new FastifyAdapter(), {
  logger: false,
});
app.useGlobalPipes(
  new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true }),
);
await app.listen(0, '127.0.0.1');
process.send?.(await app.getUrl());
