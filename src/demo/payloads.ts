/** The `data` of each event type that the demo sends: all that parties may send. */
import type { AmendmentAgreed, AmendmentRefused, ContractAmended } from '../contract/amendment.js';
import type { EventCorrected } from '../contract/correction.js';
import type {
  DelayAcknowledged,
  DelayDetermined,
  DelayReported,
  DelayResolved,
  MitigationAccepted,
  MitigationProposed,
} from '../contract/delay.js';
import type { DiscrepancyAnswered, DiscrepancyClosed, DiscrepancyRaised } from '../contract/discrepancy.js';
import type {
  DisputeAnswered,
  DisputeDecided,
  DisputeOpened,
  DisputeWithdrawn,
  EvidenceSubmitted,
} from '../contract/dispute.js';
import type {
  ManufacturingCompleted,
  ManufacturingProgressed,
  ManufacturingStarted,
} from '../contract/manufacturing.js';
import type { AccountSettled, PaymentMade, StatementIssued, StatementMatched } from '../contract/payment.js';
import type { NonconformanceDispositioned, NonconformanceRaised, QualityCheckRecorded } from '../contract/quality.js';
import type {
  ContractClosed,
  ContractRegistered,
  PartyAdded,
  PartyRemoved,
  RegistrationConfirmed,
  RegistrationContested,
} from '../contract/registration.js';
import type { ForecastRevised, MilestoneReached } from '../contract/schedule.js';
import type {
  DeliveryAccepted,
  DeliveryRejected,
  ShipmentDispatched,
  ShipmentMoved,
  ShipmentReceived,
} from '../contract/shipment.js';

/** What the payload classes look like as plain objects, which is what is sent. */
export type Plain<T> = { readonly [K in keyof T]: T[K] };

interface Payloads {
  readonly ContractRegistered: ContractRegistered;
  readonly RegistrationConfirmed: RegistrationConfirmed;
  readonly RegistrationContested: RegistrationContested;
  readonly PartyAdded: PartyAdded;
  readonly PartyRemoved: PartyRemoved;
  readonly ContractAmended: ContractAmended;
  readonly AmendmentAgreed: AmendmentAgreed;
  readonly AmendmentRefused: AmendmentRefused;
  readonly ContractClosed: ContractClosed;
  readonly ForecastRevised: ForecastRevised;
  readonly MilestoneReached: MilestoneReached;
  readonly ManufacturingStarted: ManufacturingStarted;
  readonly ManufacturingProgressed: ManufacturingProgressed;
  readonly ManufacturingCompleted: ManufacturingCompleted;
  readonly QualityCheckRecorded: QualityCheckRecorded;
  readonly NonconformanceRaised: NonconformanceRaised;
  readonly NonconformanceDispositioned: NonconformanceDispositioned;
  readonly ShipmentDispatched: ShipmentDispatched;
  readonly ShipmentMoved: ShipmentMoved;
  readonly ShipmentReceived: ShipmentReceived;
  readonly DeliveryAccepted: DeliveryAccepted;
  readonly DeliveryRejected: DeliveryRejected;
  readonly DelayReported: DelayReported;
  readonly DelayAcknowledged: DelayAcknowledged;
  readonly MitigationProposed: MitigationProposed;
  readonly MitigationAccepted: MitigationAccepted;
  readonly DelayResolved: DelayResolved;
  readonly DelayDetermined: DelayDetermined;
  readonly DiscrepancyRaised: DiscrepancyRaised;
  readonly DiscrepancyAnswered: DiscrepancyAnswered;
  readonly DiscrepancyClosed: DiscrepancyClosed;
  readonly PaymentMade: PaymentMade;
  readonly StatementIssued: StatementIssued;
  readonly StatementMatched: StatementMatched;
  readonly AccountSettled: AccountSettled;
  readonly DisputeOpened: DisputeOpened;
  readonly DisputeAnswered: DisputeAnswered;
  readonly DisputeWithdrawn: DisputeWithdrawn;
  readonly EvidenceSubmitted: EvidenceSubmitted;
  readonly DisputeDecided: DisputeDecided;
  readonly EventCorrected: EventCorrected;
}
export type DemoEventType = keyof Payloads;
export type PayloadOf = { readonly [T in DemoEventType]: Plain<Payloads[T]> };
