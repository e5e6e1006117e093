import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { isTerminal } from '../src/domain/rotation/phases.js';
import type { RotationState } from '../src/domain/rotation/state.js';

const KEYS = {
  line: defineSearchAttributeKey('ResealLine', 'KEYWORD'),
  rotation: defineSearchAttributeKey('ResealRotation', 'KEYWORD'),
  phase: defineSearchAttributeKey('ResealPhase', 'KEYWORD'),
  outcome: defineSearchAttributeKey('ResealOutcome', 'KEYWORD'),
  question: defineSearchAttributeKey('ResealQuestion', 'KEYWORD'),
  ticket: defineSearchAttributeKey('ResealTicket', 'KEYWORD'),
  trigger: defineSearchAttributeKey('ResealTrigger', 'KEYWORD'),
  horizon: defineSearchAttributeKey('ResealHorizon', 'DATETIME'),
};

/** Tells Temporal's own UI where a rotation is: search attributes and details. */
export function publish(state: RotationState): void {
  const pairs: SearchAttributeUpdatePair[] = [
    { key: KEYS.line, value: state.line },
    { key: KEYS.rotation, value: state.id },
    { key: KEYS.phase, value: state.phase },
    { key: KEYS.outcome, value: isTerminal(state.phase) ? state.phase : 'running' },
    { key: KEYS.question, value: state.question?.id ?? 'none' },
    { key: KEYS.ticket, value: state.trigger.ticket },
    { key: KEYS.trigger, value: state.trigger.kind },
    ...(state.plan === null ? [] : [{ key: KEYS.horizon, value: new Date(state.plan.horizon) }]),
  ];
  upsertSearchAttributes(pairs);
  setCurrentDetails(details(state));
}

/** What Temporal's own UI shows of the rotation, in Markdown. */
function details(state: RotationState): string {
  const lines = [`**${state.id}** is **${state.phase}** (${state.trigger.kind}, ${state.trigger.ticket})`];
  const { plan } = state;
  if (plan !== null) {
    lines.push(
      `\`${plan.from.slice(0, 12)}\` → \`${plan.to.slice(0, 12)}\`, ${plan.nodes} nodes, rollback possible until ${new Date(plan.horizon).toISOString()}`,
    );
    lines.push(...plan.summary.map((line) => `- ${line}`));
  }
  if (state.question !== null) lines.push(`Question **${state.question.id}**: ${state.question.options.join(' or ')}`);
  lines.push(...state.reasons.map((reason) => `> ${reason}`));
  return lines.join('\n\n');
}
