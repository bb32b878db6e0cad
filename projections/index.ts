/** The registry of projections: a new read model is one folder and one line here. */
import { auditTrail } from './audit-trail/audit-trail.js';
import { contractStatus } from './contract-status/contract-status.js';
import type { Projection } from './projection.js';
import { schedule } from './schedule/schedule.js';

export const projections: readonly Projection[] = [contractStatus, schedule, auditTrail];
