/** The registry of projections: a new read model is one folder and one line here. */
import { auditTrail } from './audit-trail/audit-trail.js';
import { contractStatus } from './contract-status/contract-status.js';
import { delayAccountability } from './delay-accountability/delay-accountability.js';
import { discrepancies } from './discrepancies/discrepancies.js';
import { obligations } from './obligations/obligations.js';
import { payments } from './payments/payments.js';
import { portfolioFacts } from './portfolio-facts/portfolio-facts.js';
import type { Projection } from './projection.js';
import { quality } from './quality/quality.js';
import { schedule } from './schedule/schedule.js';
import { scorecards } from './scorecards/scorecards.js';
import { shipments } from './shipments/shipments.js';

export const projections: readonly Projection[] = [
  contractStatus,
  schedule,
  auditTrail,
  delayAccountability,
  quality,
  shipments,
  discrepancies,
  payments,
  obligations,
  scorecards,
  portfolioFacts,
];
