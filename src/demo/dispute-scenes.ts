/** Scenes about who is accountable: a panel is named, finds, is contested, hears both sides and decides. */
import { addDays, daysBetween } from '../contract/calendar.js';
import type { Share } from '../contract/delay.js';
import type { Party } from './cast.js';
import type { Course } from './plan.js';
import type { PayloadOf, Plain } from './payloads.js';
import type { Random } from './random.js';
import type { Sent } from './script.js';
import { asParty, nameOf } from './telling.js';

export type Finding = Plain<Share>;

/** A digest as that of a document would be. There is no document: nothing of the demo lies outside the ledger. */
export const digestOf = (random: Random): string =>
  Array.from({ length: 8 }, () => random.next().toString(16).padStart(8, '0')).join('');

/** A document of one page that a party names by its digest. */
export const documentOf = (dispute: string, evidence: string, title: string, random: Random) => ({
  dispute,
  evidence,
  title: `${title} (illustrative)`,
  mediaType: 'application/pdf',
  sha256: digestOf(random),
});

/** What becomes of a dispute. */
export type DisputeEnd = 'decided' | 'withdrawn' | 'open';

/** A delay of which a date was stated, so that there are days to be accounted for. */
function contestable(course: Course): Sent<'DelayReported'> | undefined {
  return (course.sentOf('DelayReported') as Sent<'DelayReported'>[]).find(
    ({ event }) => event.data.forecasts.length > 0,
  );
}

/** Both sides name a panel, it finds whose days a delay is, one side contests that, and it goes on from there. */
export function contest(course: Course, end: DisputeEnd): void {
  const { plan, random, script, cast } = course;
  const reported = contestable(course);
  const panel = cast.adjudicator;
  if (reported === undefined || panel === undefined) return;
  const [stated] = reported.event.data.forecasts;
  if (stated === undefined) return;
  if (!plan.registered.includes('adjudicator')) appoint(course, panel, addDays(reported.day, random.int(20, 90)));
  const delay = `${reported.by.id}/${reported.event.data.delay}`;
  const due = plan.milestones.find(({ milestone }) => milestone === stated.milestone)?.due ?? stated.forecast;
  const days = Math.max(60, Math.min(720, daysBetween(due, stated.forecast)));
  const share = (percent: number): number => Math.floor((days * percent) / 100);
  const finding = (shares: readonly Finding[], reasons: string) => ({
    delay,
    milestone: stated.milestone,
    shares,
    reasons,
    evidence: [nameOf(reported)],
  });
  const determined = script.send(
    'DelayDetermined',
    { by: panel, on: addDays(reported.day, random.int(200, 320)), routine: true },
    finding(
      [
        { days: share(70), class: 'non-excusable', accountable: cast.prime.id },
        { days: share(20), class: 'excusable', accountable: 'force-majeure' },
      ],
      'As the reports on the ledger show.',
    ),
  );
  if (determined === undefined) return;
  const opener = random.chance(60) ? cast.prime : cast.buyer;
  const other = opener === cast.prime ? cast.buyer : cast.seller;
  const opened = script.send(
    'DisputeOpened',
    { by: opener, on: addDays(determined.day, random.int(20, 60)), after: determined, routine: true },
    {
      dispute: 'DSP-01',
      claim: 'The finding leaves out that dates were set by the other side.',
      contests: [nameOf(determined)],
      relief: 'That the days are divided anew.',
    },
  );
  if (opened === undefined) return;
  const dispute = `${opener.id}/DSP-01`;
  const then = (days: number) => addDays(opened.day, days);
  script.send(
    'DisputeAnswered',
    { by: other, on: then(random.int(20, 60)), after: opened, routine: true },
    { dispute, position: 'The dates that were set followed from the delay; they did not cause it.' },
  );
  const submit = (by: Party, title: string) =>
    script.send(
      'EvidenceSubmitted',
      { by, on: then(random.int(25, 90)), after: opened, routine: true },
      documentOf(dispute, 'E-01', title, random),
    );
  submit(opener, 'Production plan of the year');
  submit(other, 'Minutes of a programme review');
  if (end === 'open') return;
  if (end === 'withdrawn')
    script.send(
      'DisputeWithdrawn',
      { by: opener, on: then(random.int(120, 240)), after: opened, routine: true },
      { dispute, reason: 'The sides have talked it over.' },
    );
  else
    script.send(
      'DisputeDecided',
      { by: panel, on: then(random.int(150, 300)), after: opened, routine: true },
      {
        dispute,
        decision: 'Part of the days is the seller’s, which set dates that could not be kept.',
        determinations: [
          finding(
            [
              { days: share(40), class: 'non-excusable', accountable: cast.prime.id },
              { days: share(30), class: 'compensable', accountable: cast.seller.id },
              { days: share(20), class: 'excusable', accountable: 'force-majeure' },
            ],
            'The documents of both sides agree on when capacity was assigned elsewhere.',
          ),
        ],
      },
    );
}

/** The buyer proposes a panel and the seller agrees: from then on it may determine and decide. */
function appoint(course: Course, panel: Party, on: string): void {
  const { random, script, cast } = course;
  course.amendments += 1;
  const amendment = `A-${String(course.amendments).padStart(2, '0')}`;
  const proposed = script.send('ContractAmended', { by: cast.buyer, on, routine: true }, {
    amendment,
    consulted: [cast.seller.id],
    rationale: 'A panel is to decide what the sides cannot settle between them.',
    adjudicators: [asParty(panel)],
  } satisfies PayloadOf['ContractAmended']);
  if (proposed !== undefined)
    script.send(
      'AmendmentAgreed',
      { by: cast.seller, on: addDays(proposed.day, random.int(15, 60)), after: proposed, routine: true },
      { amendment },
    );
}
