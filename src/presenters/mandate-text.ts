import type { Mandate } from '../domain/mandate.js';

interface Pen {
  time(at: number, now: number): string;
}

/** What is signed, in words: nothing that the statement holds is left out. */
export function mandateText(mandate: Mandate, key: string, pen: Pen, now: number): string[] {
  const { person, says, installation, mode, line, ticket } = mandate;
  return [
    `${person} signs with ${key}, namespace reseal-approval-v1:`,
    `  says      ${deedText(mandate)} (${says})`,
    `  at        installation ${installation}, ${mode}, line ${line}, ticket ${ticket}`,
    ...(mandate.says === 'node-restore' ? [`  to        manifest ${mandate.manifest}`] : []),
    `  issued    ${mandate.issuedAt}`,
    `  counts    once, until ${pen.time(Date.parse(mandate.expiresAt), now)}; nonce ${mandate.nonce}`,
  ];
}

function deedText(mandate: Mandate): string {
  switch (mandate.says) {
    case 'node-restore':
      return `bring ${mandate.node} to the manifest in force`;
    case 'node-purge':
      return `destroy the retired keychains of ${mandate.node} that no rollback can need`;
    case 'seat-release':
      return `take the seats and bookings of ${mandate.holder} on ${mandate.node} away, ${mandate.job === null ? 'of all jobs' : `of the job ${mandate.job}`}`;
  }
}
