import { describeDuration } from '../domain/duration.js';
import { csvCell } from './csv.js';
import type { Pen } from './rotation-text.js';
import type { SeatBookedView, SeatClaimView, SeatListView, SeatStandingView, SeatUsageView } from './seat.js';

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];

/** `third in the queue for ams-sign-1`. */
export const queuedText = ({ node, position }: SeatStandingView): string => {
  const place = position ?? 0;
  return `${ORDINALS[place - 1] ?? `number ${place}`} in the queue for ${node}`;
};

export function standingText(view: SeatStandingView, pen: Pen, now: number): string[] {
  switch (view.state) {
    case 'granted':
      return [
        `the seat of ${pen.styled(view.node, 'bold')} is yours`,
        `  token     ${view.token ?? ''}`,
        `  until     ${view.until === null ? '-' : pen.time(Date.parse(view.until), now)}`,
        `  beat by   ${view.beatBy === null ? '-' : pen.time(Date.parse(view.beatBy), now)}`,
      ];
    case 'queued':
      return [queuedText(view)];
    case 'gone':
      return [`there is no such claim on ${view.node}, or none any more`];
  }
}

/** A word of a shell's command line. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export const bookedText = (view: SeatBookedView, pen: Pen, now: number): string[] => [
  `a seat of ${pen.styled(view.node, 'bold')} is booked for you`,
  `  from      ${pen.time(Date.parse(view.from), now)}`,
  `  until     ${pen.time(Date.parse(view.until), now)}`,
  `  claim by  ${pen.time(Date.parse(view.claimBy), now)}, else it is given to others`,
  `  token     ${view.token}`,
  '',
  `Claim it with the same holder and job:`,
  `  reseal seat run ${view.node} --holder ${word(view.holder)} --job ${word(view.job)} --ticket ${word(view.ticket)} -- COMMAND`,
  `Let it go with:`,
  `  reseal seat release ${view.node} --token ${view.token}`,
];

export function seatListText({ seats }: SeatListView, pen: Pen, now: number): string[] {
  if (seats.length === 0) return ['no node of the topology has the role signer: there are no seats'];
  return pen.table(
    ['NODE', 'SEAT', 'HOLDER', 'PIPELINE', 'TICKET', 'JOB', 'FROM', 'UNTIL'],
    seats.flatMap(({ node, capacity, held, waiting, bookings }) => {
      const row = (place: string, claim: Omit<SeatClaimView, 'askedAt' | 'grantedAt'>, from: string | null): string[] => [
        node,
        place,
        claim.holder,
        claim.pipeline,
        claim.ticket,
        claim.job,
        from === null ? '-' : pen.time(Date.parse(from), now),
        pen.time(Date.parse(claim.until), now),
      ];
      return [
        ...held.map((claim) => row('held', claim, claim.grantedAt)),
        ...Array.from({ length: Math.max(0, capacity - held.length) }, () => [node, 'free', '-', '-', '-', '-', '-', '-']),
        ...waiting.map((claim, index) => row(`waits, ${index + 1}`, claim, null)),
        ...bookings.map((booking) => row('booked', booking, booking.from)),
      ];
    }),
  );
}

export function seatUsageText({ by, since, rows }: SeatUsageView, pen: Pen): string[] {
  if (rows.length === 0) return [`nothing was held or waited for since ${since.slice(0, 10)}`];
  return pen.table(
    ['DAY', by.toUpperCase(), 'HELD', 'WAITED', 'LEASES'],
    rows.map((row) => [
      row.day,
      row.name,
      describeDuration(row.heldSeconds * 1000),
      describeDuration(row.waitedSeconds * 1000),
      String(row.leases),
    ]),
  );
}

/** For a spreadsheet. */
export function seatUsageCsv({ by, rows }: SeatUsageView): string[] {
  return [
    `day,${by},held_seconds,waited_seconds,leases`,
    ...rows.map((row) => [row.day, csvCell(row.name), row.heldSeconds, row.waitedSeconds, row.leases].join(',')),
  ];
}
