import { describeDuration } from '../domain/duration.js';
import type { ExportAsk, ExportStatement } from '../domain/exports/statement.js';
import type { ExportFetchView, ExportListView, ExportTermsView, ExportView } from './export.js';
import type { Pen } from './rotation-text.js';

type Shown = ExportView['export'];

const colour = ({ phase }: Shown): 'green' | 'yellow' | 'red' => {
  if (phase === 'fetched') return 'green';
  return phase === 'failed' || phase === 'rejected' ? 'red' : 'yellow';
};

/** What can be done next, as a command; null: nothing. */
function nextStep({ id, phase, fetchedBy }: Shown): string | null {
  if (phase === 'requested') return `Next: reseal export approve ${id} --as PERSON --ticket TICKET`;
  if (phase === 'sealed')
    return `Next: ${fetchedBy.join(' or ')} fetches it, once: reseal export fetch ${id} --as PERSON --ticket TICKET --out FILE`;
  return phase === 'approved' ? `Its node exports it now: reseal export show ${id}` : null;
}

export function exportText({ export: shown }: ExportView, pen: Pen, now: number): string[] {
  const { id, binds, ticket, approvals, approvalsNeeded, sealed, ended } = shown;
  const time = (at: string): string => pen.time(Date.parse(at), now);
  const next = nextStep(shown);
  return [
    `${pen.styled(id, 'bold')} is ${pen.styled(shown.phase, colour(shown))}${ended === null ? '' : `: ${ended.reason}`}`,
    ...askLines(binds),
    `  asked     by ${binds.requestedBy} under ${ticket}, ${time(shown.requestedAt)}`,
    `  approved  ${approvals.length} of ${approvalsNeeded}${approvals.map(({ person, at }) => `; ${person}, ${time(at)}`).join('')}`,
    ...(shown.phase === 'requested' ? [`  expires   ${time(shown.approveBy)}, unless it is approved`] : []),
    ...(sealed === null ? [] : [`  sealed    ${time(sealed.at)}, ${sealed.sha256}`]),
    ...(shown.phase === 'sealed' && sealed !== null ? [`  fetch by  ${time(sealed.until)}`] : []),
    ...(ended === null ? [] : [`  ended     ${time(ended.at)}, by ${ended.by}`]),
    ...(next === null ? [] : ['', next]),
  ];
}

const askLines = (asks: ExportAsk): string[] => [
  `  identity  ${asks.identity}, serial ${asks.serial}, valid until ${asks.certificateExpiresAt}`,
  `  from      the keychain of ${asks.node}`,
  `  for       ${asks.receiver}, sealed to ${asks.recipient}`,
  `  to fetch  once, within ${describeDuration(asks.fetchWithin)} of being sealed`,
  `  reason    ${asks.reason}`,
];

export function exportListText({ exports }: ExportListView, pen: Pen, now: number): string[] {
  if (exports.length === 0) return ['nobody has asked for an export'];
  return pen.table(
    ['EXPORT', 'STATE', 'LINE', 'NODE', 'FOR', 'TICKET', 'BY', 'ASKED'],
    exports.map((shown) => [
      shown.id,
      { text: shown.phase, style: colour(shown) },
      shown.line,
      shown.binds.node,
      shown.binds.receiver,
      shown.ticket,
      shown.binds.requestedBy,
      pen.time(Date.parse(shown.requestedAt), now),
    ]),
  );
}

/** Of whom a request speaks, beside what is signed. */
export const exportTermsText = ({
  commonName,
  team,
  receiverName,
  approvalsNeeded,
  approveWithin,
  fetchedBy,
}: ExportTermsView): string[] => [
  `${commonName}, team ${team}: its private key leaves the Mac that holds it, for ${receiverName}.`,
  `${approvalsNeeded} persons other than you have to approve it within ${describeDuration(approveWithin)}; ${fetchedBy.join(', ')} may fetch it then.`,
];

const SAYS: Readonly<Record<ExportStatement['says'], string>> = {
  'export-request': 'ask for the export of a private key',
  'export-approve': 'approve the export of a private key',
  'export-reject': 'reject the export of a private key',
  'export-withdraw': 'withdraw from an export',
  'export-fetch': 'fetch what was exported',
};

/** What is signed, in words: nothing that the statement holds is left out. @param key null: nobody signs it, and a name has to do */
export function exportStatementText(statement: ExportStatement, key: string | null, pen: Pen, now: number): string[] {
  const { person, says, installation, mode, line, ticket } = statement;
  return [
    key === null ? `${person} says, by name alone:` : `${person} signs with ${key}, namespace reseal-approval-v1:`,
    `  says      ${SAYS[says]} (${says})`,
    `  at        installation ${installation}, ${mode}, line ${line}, ticket ${ticket}`,
    ...ownLines(statement),
    `  issued    ${statement.issuedAt}`,
    `  counts    once, until ${pen.time(Date.parse(statement.expiresAt), now)}; nonce ${statement.nonce}`,
  ];
}

function ownLines(statement: ExportStatement): string[] {
  switch (statement.says) {
    case 'export-request':
      return askLines(statement.asks);
    case 'export-approve':
    case 'export-reject': {
      const { binds } = statement;
      return [
        `  export    ${binds.export}, asked for by ${binds.requestedBy}`,
        ...askLines(binds),
        `  frozen    request  ${binds.request}`,
        `            roster   ${binds.roster}`,
        ...(statement.says === 'export-reject' && statement.reason !== null ? [`  because   ${statement.reason}`] : []),
      ];
    }
    case 'export-withdraw':
      return [`  export    ${statement.export}, request ${statement.request}`];
    case 'export-fetch':
      return [`  export    ${statement.export}, request ${statement.request}`, `  sealed    ${statement.sealed}`];
  }
}

export function exportFetchText({ export: { id, binds }, files }: ExportFetchView): string[] {
  const opened =
    files.pkcs12 === null
      ? [`  open it   where the receiver's key is: age --decrypt --identity KEY ${files.sealed} (docs/exports.md)`]
      : [`  opened    ${files.pkcs12}`, `  password  in ${files.password ?? ''}`];
  return [
    `${id}: fetched what ${binds.node} exported for ${binds.receiver}. Nobody can fetch it again.`,
    `  sealed    ${files.sealed}`,
    ...opened,
  ];
}
