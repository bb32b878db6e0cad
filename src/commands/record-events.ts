import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { IncomingEvent } from './envelope.js';
import { Recorder, type RecordOptions, type RecordOutcome } from './recorder.js';

/** Records events of one contract, in their order. */
export class RecordEvents extends Command<RecordOutcome> {
  constructor(
    readonly contract: string,
    readonly events: readonly IncomingEvent[],
    readonly options: RecordOptions = {},
  ) {
    super();
  }
}

@CommandHandler(RecordEvents)
export class RecordEventsHandler implements ICommandHandler<RecordEvents> {
  constructor(@Inject(Recorder) private readonly recorder: Recorder) {}

  execute({ contract, events, options }: RecordEvents): Promise<RecordOutcome> {
    return this.recorder.record(contract, events, options);
  }
}
