/** Manufacturing: which stage a line is in, how far, how many units. */
import { IsId, IsName, IsPercent, IsQuantity, ListOf, MAX_SERIALS, Optional } from './fields.js';
import { eventType, named, type EffectiveEvent } from './event-type.js';
import { isAfter, type ContractModel, type LineFacts } from './model.js';
import { quantityOf } from './money.js';
import { flagStated } from './quantity-flags.js';

export class ManufacturingStarted {
  @IsId() readonly line!: string;
  @IsName() readonly site!: string;
  @IsName() readonly stage!: string;
}

export class ManufacturingProgressed {
  @IsId() readonly line!: string;
  @IsName() readonly stage!: string;
  @IsPercent() readonly percent!: number | string;
  @IsQuantity() readonly unitsCompleted!: number | string;
}

export class ManufacturingCompleted {
  @IsId() readonly line!: string;
  @IsQuantity() readonly quantity!: number | string;
  @Optional() @ListOf('name', { max: MAX_SERIALS }) readonly serials?: readonly string[];
  @Optional() @IsName() readonly lot?: string;
}

type Production = NonNullable<LineFacts['production']>;

/** Takes what the event says of the line's state, if no later event (by time) has spoken of it. */
function foldProduction(
  model: ContractModel,
  event: EffectiveEvent<{ readonly line: string }>,
  said: Pick<Production, 'stage' | 'percent' | 'unitsCompleted'>,
): void {
  if (event.withdrawn) return;
  const line = model.line(event.data.line);
  const { production: before, percent: last } = line;
  if (before !== undefined && !isAfter(event, before)) return;
  if (said.percent !== null) {
    // Also after work was begun anew, which states none.
    if (last !== undefined && Number(said.percent) < Number(last.percent))
      model.flag('percent-decreased', event, `${said.percent} after ${last.percent} on line ${event.data.line}`);
    line.percent = { time: event.time, revision: event.revision, percent: said.percent };
  }
  line.production = { time: event.time, revision: event.revision, ...said };
}

const lineNamed = (data: { readonly line: string }) => named('line', data.line, '/line');
/** That somebody reported on the line. */
const portfolio = { folds: false, keep: ({ line }: { readonly line: string }) => ({ line }) };
const by = ['seller', 'prime', 'subcontractor'] as const;

export const manufacturingTypes = [
  eventType<ManufacturingStarted>({
    type: 'ManufacturingStarted',
    description: 'Work on a line has begun at a site.',
    version: 1,
    payload: ManufacturingStarted,
    act: false,
    by,
    names: lineNamed,
    portfolio,
    fold: (model, event) =>
      foldProduction(model, event, { stage: event.data.stage, percent: null, unitsCompleted: null }),
  }),
  eventType<ManufacturingProgressed>({
    type: 'ManufacturingProgressed',
    description: 'Stage, percentage and units completed of a line.',
    version: 1,
    payload: ManufacturingProgressed,
    act: false,
    by,
    names: lineNamed,
    portfolio,
    fold: (model, event) => {
      const { stage, percent, unitsCompleted } = event.data;
      foldProduction(model, event, { stage, percent, unitsCompleted });
    },
  }),
  eventType<ManufacturingCompleted>({
    type: 'ManufacturingCompleted',
    description: 'A line, or a lot of it, is made.',
    version: 1,
    payload: ManufacturingCompleted,
    act: false,
    by,
    names: lineNamed,
    portfolio,
    fold: (model, event) => {
      const { line, quantity } = event.data;
      foldProduction(model, event, { stage: 'completed', percent: 100, unitsCompleted: quantity });
      if (!event.withdrawn) flagStated(model, event, line, quantityOf(quantity));
    },
  }),
];
