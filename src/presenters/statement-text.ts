import type { CanaryReport } from '../domain/rotation/state.js';
import type { GateBinding, Statement } from '../domain/rotation/statement.js';
import { plural } from '../domain/topology-review/finding.js';
import type { Outside } from './rotation.js';

interface Pen {
  time(at: number, now: number): string;
}

/** What is signed, in words: nothing that the statement holds is left out. */
export function statementText(statement: Statement, key: string, pen: Pen, now: number): string[] {
  const about =
    statement.says === 'start'
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
        ...(statement.successors.length === 0 ? [] : [`  choosing  ${statement.successors.join(', ')}`]),
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
    case 'adopt':
    case 'approve':
    case 'withdraw':
    case 'pause':
    case 'resume':
      return [];
  }
}

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
  const since = canary.lastSwitchAt === null ? '' : `, the last one since ${pen.time(Date.parse(canary.lastSwitchAt), now)}`;
  return [
    `canary: ${plural(canary.nodes, 'node')} on the new manifest${since}; each passed ${plural(canary.passes, 'probe')} in a row`,
    ...canary.standIns.map(({ node, by, reason }) => `  ${by} stands in for ${node}: ${reason}`),
    ...canary.troubles.map(({ node, outcome, reason }) => `  ${node} ${outcome}: ${reason}`),
  ];
}
