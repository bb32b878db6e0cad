/** Forecasts and milestones reached: what a party says about dates without changing what was agreed. */
import { IsDay, IsId, IsText } from './fields.js';
import { eventType, named, nameOf, type EffectiveEvent } from './event-type.js';
import { insertByStand, type ContractModel, type ForecastFacts, type ReachedFacts } from './model.js';
import { flagBackdated } from './terms-in-force.js';

export class ForecastRevised {
  @IsId() readonly milestone!: string;
  @IsDay() readonly forecast!: string;
  @IsText() readonly reason!: string;
}

export class MilestoneReached {
  @IsId() readonly milestone!: string;
  @IsDay() readonly on!: string;
}

/** Puts a stated date into the milestone's timeline. */
export function foldForecast(
  model: ContractModel,
  event: EffectiveEvent,
  milestone: string,
  to: string,
  delay: string | undefined,
): void {
  const forecast: ForecastFacts = {
    time: event.time,
    revision: event.revision,
    event: nameOf(event),
    by: event.reporter,
    onBehalfOf: event.onBehalfOf,
    party: event.party,
    recordedtime: event.recordedtime,
    to,
    delay,
    counts: model.holds(event.party, 'seller') || model.speaksAs(event.party, 'prime'),
    isOut: model.isOut(event.party),
    correctedBy: event.correctedBy,
  };
  insertByStand(model.milestone(milestone).forecasts, forecast);
  model.touchForecast(milestone, forecast.revision);
}

export const scheduleTypes = [
  eventType<ForecastRevised>({
    type: 'ForecastRevised',
    description: 'A party states when it now expects a milestone. Moves no agreed date.',
    version: 1,
    payload: ForecastRevised,
    act: false,
    by: ['buyer', 'seller', 'prime', 'subcontractor', 'carrier'],
    names: (data) => named('milestone', data.milestone, '/milestone'),
    dates: ({ milestone, forecast }) => [{ milestone, date: forecast }],
    portfolio: { folds: true, named: true, keep: ({ milestone, forecast }) => ({ milestone, forecast }) },
    fold: (model, event) => {
      if (!event.withdrawn) foldForecast(model, event, event.data.milestone, event.data.forecast, undefined);
    },
  }),
  eventType<MilestoneReached>({
    type: 'MilestoneReached',
    description: 'A party states on which day a milestone was reached.',
    version: 1,
    payload: MilestoneReached,
    act: false,
    by: ['buyer', 'seller', 'prime', 'subcontractor', 'carrier', 'inspector'],
    names: (data) => named('milestone', data.milestone, '/milestone'),
    happenedOn: ({ on }) => [{ day: on, pointer: '/on' }],
    claims: ({ milestone, on }) => ({ milestone, on }),
    portfolio: { folds: true, keep: (data) => data },
    fold: (model, event) => {
      const reached: ReachedFacts = {
        time: event.time,
        revision: event.revision,
        party: event.party,
        buyer: model.holds(event.party, 'buyer'),
        isOut: model.isOut(event.party),
        secondHand: event.onBehalfOf !== undefined,
        on: event.data.on,
      };
      // Of what is cancelled counts what it said then.
      if (event.correctedBy !== undefined) model.correctedClaims.set(event.revision, reached);
      if (event.withdrawn) return;
      flagBackdated(model, event, event.data.on);
      insertByStand(model.milestone(event.data.milestone).reached, reached);
    },
  }),
];
