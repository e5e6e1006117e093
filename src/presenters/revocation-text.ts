import { claimCommand, emergencyCommand, type RevocationStatement } from '../domain/revocations.js';
import type { RevocationRecordedView, RevocationsView, RevokedCertificateView } from './revocation.js';
import type { Pen } from './rotation-text.js';

/** What is said of a certificate, in words: nothing that the statement holds is left out. @param key null: by name alone */
export function revocationStatementText(statement: RevocationStatement, key: string | null, pen: Pick<Pen, 'time'>, now: number): string[] {
  const { person, says, installation, ticket, certificate, serial, reason } = statement;
  const how = key === null ? 'says by name alone' : `signs with ${key}, namespace reseal-approval-v1`;
  const what =
    says === 'revocation-record'
      ? 'Apple has revoked this certificate: nothing goes back to it, and nothing new signs with it'
      : 'what was recorded of this certificate so far was a mistake: it may be gone back to, and signed with';
  return [
    `${person} ${how}:`,
    `  says      ${what} (${says})`,
    `  of        ${[...(certificate === null ? [] : [`certificate ${certificate}`]), ...(serial === null ? [] : [`serial number ${serial}`])].join(', ')}`,
    ...(statement.says === 'revocation-record'
      ? [
          `  since     ${pen.time(Date.parse(statement.revokedAt), now)}, known from ${statement.source === 'person' ? 'a person (person)' : statement.source}`,
        ]
      : []),
    `  reason    ${reason}`,
    `  at        installation ${installation}, every line, ticket ${ticket}`,
    `  issued    ${statement.issuedAt}, to be written by ${pen.time(Date.parse(statement.expiresAt), now)}`,
    `  counts    as long as the roster has ${key === null ? person : 'this key'}; nonce ${statement.nonce}`,
  ];
}

export const revocationRecordedText = ({ certificate, keptIn, missing }: RevocationRecordedView, pen: Pen, now: number): string[] => [
  ...certificateText(certificate, pen, now),
  `kept in ${keptIn.join(', ')}`,
  ...missing.map(({ store, reason }) => pen.styled(`not in ${store}: ${reason}. The next record brings it along.`, 'yellow')),
  ...next(certificate),
];

export const revocationsText = ({ certificates, unreadable, away }: RevocationsView, pen: Pen, now: number): string[] => [
  ...(certificates.length === 0
    ? [away.length === 0 ? 'No revocation is recorded.' : 'No revocation is known here.']
    : certificates.flatMap((one, index) => [...(index === 0 ? [] : ['']), ...certificateText(one, pen, now), ...next(one)])),
  ...unreadable.map((reason) => pen.styled(`one document among them is none: ${reason}`, 'yellow')),
  ...away.map((store) =>
    pen.styled(`the store ${store} cannot be read, or nobody has begun it: what it alone keeps is not here`, 'yellow'),
  ),
];

const COLOUR = { revoked: 'red', claimed: 'yellow', 'not-revoked': 'green' } as const;
const WORDS = { revoked: 'revoked', claimed: 'said to be revoked, and nothing proves it', 'not-revoked': 'not revoked' } as const;

function certificateText(view: RevokedCertificateView, pen: Pen, now: number): string[] {
  const { certificate, serialLast6, name, standing, revokedAt, inForceOn, said } = view;
  const id = certificate ?? `serial number …${serialLast6 ?? ''}`;
  const since = revokedAt === null ? '' : ` since ${pen.time(Date.parse(revokedAt), now)}`;
  return [
    `${pen.styled(id, 'bold')}${name === null ? '' : ` (${name}${serialLast6 === null ? '' : `, serial …${serialLast6}`})`}  ${pen.styled(`${WORDS[standing]}${since}`, COLOUR[standing])}`,
    `  in force  ${inForceOn.length === 0 ? 'on no line' : `on ${inForceOn.join(', ')}`}`,
    ...said.map(
      ({ says, by, ticket, at, reason, source, lacks }) =>
        `  ${says === 'revoked' ? 'recorded' : 'mistaken'}  ${pen.time(Date.parse(at), now)} by ${by} under ${ticket}${source === null || source === 'person' ? '' : `, known from ${source}`}: ${reason}${lacks === null ? '' : ` (not proven: ${lacks})`}`,
    ),
  ];
}

/** What people do now. */
function next({ certificate, serialLast6, standing, inForceOn }: RevokedCertificateView): readonly string[] {
  const of = certificate ?? serialLast6 ?? '';
  switch (standing) {
    case 'not-revoked':
      return [];
    case 'claimed':
      return [`  next      find out whether it is, then sign for it: ${claimCommand({ sha1: certificate, serial: serialLast6 })}`];
    case 'revoked':
      return inForceOn.map(
        (line) => `  next      put successors with another certificate where ${line} looks for them, then: ${emergencyCommand(line, of)}`,
      );
  }
}
