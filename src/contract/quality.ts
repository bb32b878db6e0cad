/** Quality checks. */
import {
  IsCount,
  IsDecimal,
  IsId,
  IsName,
  IsOneOf,
  IsQuantity,
  IsUnit,
  ListOf,
  ListOfParts,
  Optional,
} from './fields.js';
import { eventType, named } from './event-type.js';
import { quantityOf } from './money.js';
import { flagStated } from './quantity-flags.js';
import { noteReport } from './reporting.js';

/** One measured property: what it should be, within which limits, and what it was. */
export class Characteristic {
  @IsName() readonly name!: string;
  @IsDecimal() readonly nominal!: number | string;
  @IsDecimal() readonly lower!: number | string;
  @IsDecimal() readonly upper!: number | string;
  @IsDecimal() readonly measured!: number | string;
  @IsUnit() readonly unit!: string;
}

export class QualityCheckRecorded {
  @IsId() readonly check!: string;
  @IsId() readonly line!: string;
  @IsOneOf(['first-article', 'in-process', 'final', 'source', 'receiving']) readonly kind!: string;
  /** AS9102, AQAP-2110 and the like. */
  @IsName() readonly standard!: string;
  @IsQuantity() readonly quantity!: number | string;
  @IsOneOf(['pass', 'fail', 'conditional']) readonly result!: 'pass' | 'fail' | 'conditional';
  @Optional() @IsCount() readonly sampleSize?: number;
  @Optional() @ListOfParts(() => Characteristic) readonly characteristics?: readonly Characteristic[];
  @Optional() @ListOf('name') readonly serials?: readonly string[];
  @Optional() @IsName() readonly lot?: string;
  @Optional() @IsName() readonly certificate?: string;
}

export const qualityTypes = [
  eventType<QualityCheckRecorded>({
    type: 'QualityCheckRecorded',
    description: 'An inspection of some quantity of a line against a standard, and its result.',
    version: 1,
    payload: QualityCheckRecorded,
    act: false,
    by: ['prime', 'subcontractor', 'inspector', 'buyer'],
    names: (data) => named('line', data.line, '/line'),
    opens: (data) => ({ kind: 'check', id: data.check, pointer: '/check' }),
    keeps: (data) => [`check ${data.check}`],
    fold: (model, event) => {
      if (event.withdrawn) return;
      noteReport(model, event, [event.data.line]);
      flagStated(model, event, event.data.line, quantityOf(event.data.quantity));
    },
  }),
];
