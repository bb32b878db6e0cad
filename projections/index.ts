/** The registry of projections: a new read model is one folder and one line here. */
import type { Projection } from './projection.js';

export const projections: readonly Projection[] = [];
