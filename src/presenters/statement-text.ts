import type { CanaryReport } from '../domain/rotation/state.js';
import { begins, type BeginningStatement, type GateBinding, type Statement } from '../domain/rotation/statement.js';
import { plural } from '../domain/topology-review/finding.js';
import type { Outside } from './rotation.js';

interface Pen {
  time(at: number, now: number): string;
}

/** What is signed, in words: nothing that the statement holds is left out. */
export function statementText(statement: Statement, key: string, pen: Pen, now: number): string[] {
  const about = begins(statement)
    ? `a rotation of ${statement.line}`
    : `${statement.rotation} (line ${statement.line}, epoch ${statement.epoch})`;
  const binds = 'binds' in statement ? statement.binds : null;
  return [
    `${statement.person} signs with ${key}, namespace reseal-approval-v1:`,
    `  says      ${statement.says} ${about}`,
    `  at        installation ${statement.installation}, ${statement.mode}, ticket ${statement.ticket}`,
    ...ownText(statement),
    ...(binds === null ? [] : bindsText(binds)),
    `  issued    ${statement.issuedAt}`,
    `  counts    once, until ${pen.time(Date.parse(statement.expiresAt), now)}; nonce ${statement.nonce}`,
  ];
}

function ownText(statement: Statement): string[] {
  switch (statement.says) {
    case 'start':
      return [
        `  due       by ${statement.at ?? 'today'}${statement.after === null ? '' : `, after ${statement.after}`}`,
        ...choosing(statement),
      ];
    case 'start-emergency':
      return [
        `  revoked   the certificate of serial ${statement.revoked}; all that signs with it is replaced`,
        '  forward   only: nothing leads back to what was revoked, whatever fails',
        '  begins    on the nodes once enough persons have approved exactly what comes into force; who starts it may be one of them',
        ...choosing(statement),
      ];
    case 'reject':
    case 'cancel':
    case 'rollback':
      return statement.reason === null ? [] : [`  reason    ${statement.reason}`];
    case 'answer':
      return [`  answers   ${statement.question}: ${statement.option}`];
    case 'close':
      return [`  as        ${statement.as}`];
    case 'retry':
      return [`  nodes     ${statement.nodes.join(', ')}`];
    case 'exclude':
      return [
        `  leaves    ${statement.nodes.join(', ')} out of the rotation: nobody waits for ${statement.nodes.length === 1 ? 'it' : 'them'} any more`,
        ...(statement.reason === null ? [] : [`  reason    ${statement.reason}`]),
      ];
    case 'adopt':
    case 'approve':
    case 'withdraw':
    case 'pause':
    case 'resume':
      return [];
  }
}

const choosing = ({ successors }: BeginningStatement): string[] =>
  successors.length === 0 ? [] : [`  choosing  ${successors.join(', ')}`];

const bindsText = (binds: GateBinding): string[] => [
  `  gate      ${binds.gate}, opened as ${binds.gateNonce}`,
  `  from      manifest ${binds.from}`,
  `  to        manifest ${binds.to}`,
  `  frozen    topology ${binds.topology}`,
  `            policy   ${binds.policy}`,
  `            cohorts  ${binds.cohorts}`,
  `            canary   ${binds.canaryReport}`,
  `            roster   ${binds.roster}`,
];

/** What the canary has shown, in words. */
export function canaryText(canary: Outside<CanaryReport>, pen: Pen, now: number): string[] {
  if (canary.nodes === 0) return ['canary: none yet; this is asked before any node is changed'];
  const since = canary.lastSwitchAt === null ? '' : `, the last one since ${pen.time(Date.parse(canary.lastSwitchAt), now)}`;
  return [
    `canary: ${plural(canary.nodes, 'node')} on the new manifest${since}; each passed ${plural(canary.passes, 'probe')} in a row`,
    ...canary.standIns.map(({ node, by, reason }) => `  ${by} stands in for ${node}: ${reason}`),
    ...(canary.excluded ?? []).map(({ node, reason }) => `  ${node} is left out: ${reason}`),
    ...canary.troubles.map(({ node, outcome, reason }) => `  ${node} ${outcome}: ${reason}`),
  ];
}
