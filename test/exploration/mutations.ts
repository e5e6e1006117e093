import type { Limits } from './world.js';

/** One safeguard taken out of the product. The exploration has to notice (`npm run mutations`). */
export interface Mutation {
  readonly name: string;
  /** Within the repository. */
  readonly file: string;
  /** A text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly limits: Limits;
}

export const ONE: Limits = { waves: [1], maxUnavailable: 1, faults: 1, commands: 1 };
const GATES: Limits = { waves: [1], maxUnavailable: 1, faults: 0, commands: 1, secondGate: true };
const BUILDS: Limits = { waves: [1], maxUnavailable: 1, faults: 0, commands: 1, builds: 1 };
const EMERGENCY: Limits = { waves: [1], maxUnavailable: 1, faults: 0, commands: 2, emergency: true };
const TWO: Limits = { waves: [1, 1], maxUnavailable: 1, faults: 1, commands: 1 };

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'staging accepts without reading back',
    file: 'src/domain/node/steps.ts',
    find: "    { do: 'read-back', expect: { present: to.placements, identitiesPresent: to.identities, manifestsPresent: [to.manifest] } },\n    ...fenced({ do: 'accept', manifest: to.manifest }),",
    replace: "    ...fenced({ do: 'accept', manifest: to.manifest }),",
    limits: ONE,
  },
  {
    name: 'no look at the epoch before a rename',
    file: 'src/domain/node/steps.ts',
    find: "const fenced = (step: NodeStep): NodeStep[] => [{ do: 'fence' }, step];",
    replace: 'const fenced = (step: NodeStep): NodeStep[] => [step];',
    limits: ONE,
  },
  {
    name: 'an attempt that comes late takes the line from its own retry',
    file: 'src/domain/node/order.ts',
    find: 'return mine.attempt >= current.attempt',
    replace: 'return mine.attempt >= 1',
    limits: ONE,
  },
  {
    name: 'an order that comes late takes the line from a later one of the same epoch',
    file: 'src/domain/node/order.ts',
    find: 'if (mine.sentAt !== current.sentAt) {',
    replace: 'if (mine.sentAt > current.sentAt) {',
    limits: ONE,
  },
  {
    name: 'files go before their manifest is un-accepted',
    file: 'src/domain/node/steps.ts',
    find: "    ...fenced({ do: 'un-accept', manifest: gone.manifest }),\n    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),",
    replace:
      "    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),\n    ...fenced({ do: 'un-accept', manifest: gone.manifest }),",
    limits: ONE,
  },
  {
    name: 'an identity goes before its manifest is un-accepted',
    file: 'src/domain/node/steps.ts',
    find: "    ...fenced({ do: 'un-accept', manifest: gone.manifest }),\n    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),\n    ...identities.flatMap((identity) => fenced({ do: 'shelve-identity', identity, gone: gone.manifest })),\n",
    replace:
      "    ...identities.flatMap((identity) => fenced({ do: 'shelve-identity', identity, gone: gone.manifest })),\n    ...fenced({ do: 'un-accept', manifest: gone.manifest }),\n    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),\n",
    limits: ONE,
  },
  {
    name: 'an inconclusive probe counts as a pass',
    file: 'src/domain/node/probe.ts',
    find: '        passes = 0;\n        unclearSince ??= probe.at;',
    replace: "        passes += 1;\n        if (passes >= needed) return { state: 'proven' };\n        unclearSince ??= probe.at;",
    limits: ONE,
  },
  {
    name: 'one approver is enough',
    file: 'src/domain/rotation/moves.ts',
    find: 'countingApprovals(state, now).length >= approvalsNeeded(state)',
    replace: 'countingApprovals(state, now).length >= 1',
    limits: TWO,
  },
  {
    name: 'a rollback does not restore what was retired',
    file: 'src/domain/rotation/rollback.ts',
    find: "...(done.retired === 'no' ? [] : [{ do: 'restore' } as const]),",
    replace: '',
    limits: ONE,
  },
  {
    name: 'a head that the store did not take back in time is forgotten',
    file: 'src/domain/rotation/rollback.ts',
    find: "    ...(done.head === 'put-off' ? [{ do: 'return-head' } as const] : []),\n",
    replace: '',
    limits: ONE,
  },
  {
    name: 'approvals of one gate count at the next',
    file: 'src/domain/rotation/events.ts',
    find: '    approvals: [],\n    gate: {',
    replace: '    gate: {',
    limits: GATES,
  },
  {
    name: 'nodes are staged before the record says that staging has begun',
    file: 'src/domain/rotation/events.ts',
    find: 'return { ...state, done: { ...state.done, staged: atLeastBegun(state.done.staged) } };',
    replace: 'return state;',
    limits: ONE,
  },
  {
    name: 'a question is put without a line in the record',
    file: 'src/domain/rotation/history.ts',
    find: 'if (after.question !== null && !sameQuestion) {',
    replace: 'if (after.question !== null && before.question !== null && !sameQuestion) {',
    limits: ONE,
  },
  {
    name: 'the canary is done without the signer that stands in',
    file: 'src/domain/rotation/stand-ins.ts',
    find: 'const again = [...state.work.again.filter((one) => one !== node && one !== by), by];',
    replace: 'const again = state.work.again.filter((one) => one !== node && one !== by);',
    limits: TWO,
  },
  {
    name: 'a node whose build holds the old manifest counts as retired',
    file: 'src/domain/rotation/events.ts',
    find: '...ended.untried, ...pinned])];',
    replace: '...ended.untried])];',
    limits: BUILDS,
  },
  {
    name: 'an emergency begins on the nodes for one person',
    file: 'src/domain/rotation/emergency.ts',
    find: '  isEmergency(state) ? state.policy.emergency.approvals : state.policy.gate.approvals;',
    replace: '  isEmergency(state) ? 1 : state.policy.gate.approvals;',
    limits: EMERGENCY,
  },
  {
    name: 'an emergency changes nodes before its gate',
    file: 'src/domain/rotation/events.ts',
    find: "return isEmergency(state) ? prepared : move(prepared, 'staging', now);",
    replace: "return move(prepared, 'staging', now);",
    limits: EMERGENCY,
  },
  {
    name: 'an emergency that is cancelled goes back to what was revoked',
    file: 'src/domain/rotation/obey.ts',
    find: 'isEmergency(state) ? turnBack(state, reason, now) : startRollback(reasoned(state, reason), now)',
    replace: 'startRollback(reasoned(state, reason), now)',
    limits: EMERGENCY,
  },
  {
    name: 'an emergency goes on with an approval that was withdrawn',
    file: 'src/domain/rotation/settle.ts',
    find: 'if (lacksApproval(state)) return',
    replace: 'if (false as boolean) return',
    limits: { ...EMERGENCY, faults: 1 },
  },
];

/** The file's text without the safeguard. Throws where the product no longer holds the text that the mutation replaces. */
export function mutated(mutation: Mutation, text: string): string {
  const parts = text.split(mutation.find);
  if (parts.length === 2) return parts.join(mutation.replace);
  throw new Error(
    `${mutation.name}: ${mutation.file} holds the text to be replaced ${parts.length - 1} times, expected once:\n${mutation.find}`,
  );
}
