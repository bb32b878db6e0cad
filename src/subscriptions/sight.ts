/** From all that a projector sees of one projection to what it says of it. */
import type { Projection } from '../../projections/projection.js';
import type { CopyRecord, ProjectionFailure } from './checkpoint.js';
import type { Lane } from './lane.js';
import type { ProjectionState, ProjectionStatus, TransientTrouble } from './status.js';

export interface ProjectionSight {
  readonly projection: Projection;
  readonly serving: CopyRecord | undefined;
  readonly building: CopyRecord | undefined;
  /** The lane that writes the serving copy, else the one that builds. */
  readonly lane: Lane | undefined;
  /** Whether a lane that writes the serving copy has written all there is. */
  readonly servesAll: boolean;
  readonly isLed: boolean;
  readonly failure: ProjectionFailure | undefined;
  readonly trouble: TransientTrouble | undefined;
  /** How long ago the rows last had everything, in ms. */
  readonly behindMs: number;
}

export function statusOf(sight: ProjectionSight): ProjectionStatus {
  const { projection, serving, building, lane, failure, trouble, behindMs } = sight;
  const state = stateOf(sight);
  // While a copy is built beside it, the one that serves may have everything all the same.
  const isComplete = sight.servesAll && state !== 'failed';
  const events = isComplete ? 0 : lane?.queued;
  const error = failure ?? trouble;
  return {
    name: projection.name,
    version: projection.version,
    state,
    position: serving?.checkpoint?.position,
    eventId: serving?.checkpoint?.eventId,
    building:
      building === undefined ? undefined : { version: building.version, position: building.checkpoint?.position },
    lag: { ...(events === undefined ? {} : { events }), milliseconds: isComplete ? 0 : Math.round(behindMs) },
    ...(error === undefined ? {} : { error }),
  };
}

function stateOf({ failure, building, isLed, lane }: ProjectionSight): ProjectionState {
  if (failure !== undefined) return 'failed';
  if (building !== undefined) return 'rebuilding';
  if (!isLed) return 'standby';
  return lane?.live === true ? 'live' : 'catching-up';
}
