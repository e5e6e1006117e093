import type { Uncounted } from '../adopted-rosters.js';
import type { AuditHead } from '../audit/record.js';
import type { Instant, NodeName, PersonId, RotationId, Sha256 } from '../brands.js';
import { legalCommands, type CommandName } from './commands.js';
import { asked } from './exclusions.js';
import { countingApprovals, latestApprovalOf, switchedNodes } from './moves.js';
import { isTerminal, type Outcome, type Phase } from './phases.js';
import {
  epochOf,
  type Adoption,
  type Approval,
  type CanaryReport,
  type Exclusion,
  type HeldBuilds,
  type Pause,
  type Question,
  type RotationKind,
  type RotationState,
  type Trigger,
  type Trouble,
} from './state.js';
import { approvalsNeeded, isEmergency } from './emergency.js';
import { serialLast6 } from '../serial.js';
import { bindingOf } from './gate-binding.js';
import type { GateBinding, Mode } from './statement.js';
import { lastAutomaticRollback } from './timeline.js';

/** Who approved, when, and how that is known; the signed statement itself is on the record. */
export type ApprovalStatus = Pick<Approval, 'person' | 'digest' | 'ticket' | 'at' | 'assurance'> & {
  /** Fingerprint of the key that signed; null: nobody signed. */
  readonly key: string | null;
};

const approvalStatus = (approval: Approval): ApprovalStatus => {
  const { person, digest, ticket, at, assurance } = approval;
  return { person, digest, ticket, at, assurance, key: approval.assurance === 'signed' ? approval.key : null };
};

/** What a rotation answers when asked; the API, the CLI's `--json` and the record show the same. Instants in ms. */
export interface RotationStatus {
  readonly schemaVersion: 1;
  readonly id: RotationId;
  readonly line: string;
  readonly number: number;
  readonly epoch: number;
  readonly kind: RotationKind | null;
  readonly trigger: Trigger;
  /** The completed rotation that this one, an incident rollback, undoes; null: it is none. */
  readonly undoes: RotationId | null;
  /** Of the revoked certificate that an emergency replaces; missing: it is none. */
  readonly emergency?: { readonly serialLast6: string };
  /** Who had it go on after its workflow had ended without an outcome, and in which phase; missing where nobody had to. */
  readonly adoptions?: readonly Omit<Adoption, 'signed'>[];
  readonly phase: Phase;
  readonly outcome: Outcome | null;
  readonly since: Instant;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly restoredAt: Instant | null;
  readonly from: Sha256 | null;
  readonly to: Sha256 | null;
  readonly summary: readonly string[];
  readonly horizon: Instant | null;
  /** Automatic rollback is begun only before this instant; an operator's until the horizon. On the line's clock, like `horizon`. Null where there is no way back. */
  readonly rollbackUntil: Instant | null;
  /** Added to the clock where this rotation compares with expiries. */
  readonly offset: number;
  readonly nodes: number;
  readonly maxUnavailable: number;
  readonly cohorts: readonly { readonly name: string; readonly nodes: number; readonly state: 'waiting' | 'switching' | 'switched' }[];
  readonly progress: { readonly task: string; readonly handled: number; readonly of: number } | null;
  /** Builds that hold what is to go next, by the last look; null: none is known. */
  readonly pins: HeldBuilds | null;
  readonly soak: { readonly endsAt: Instant; readonly rounds: number } | null;
  /** The installation and the mode that signed statements name. */
  readonly installation: string;
  readonly mode: Mode;
  readonly gate: {
    readonly needed: number;
    readonly approvals: readonly ApprovalStatus[];
    readonly counting: number;
    readonly eligible: readonly PersonId[];
    readonly openedAt: Instant | null;
    readonly deadline: Instant | null;
    readonly latest: Instant | null;
    readonly silence: string;
    readonly passedAt: Instant | null;
    /** Everything that an approval of the open gate binds; null: none is open. */
    readonly binds: GateBinding | null;
    /** What the canary has shown; `binds.canaryReport` is its digest. */
    readonly canary: CanaryReport | null;
    /** Who may approve by the roster and does not count at the open gate, and why; keys: those that do not count, null: nothing of theirs. Missing where everybody counts. */
    readonly uncounted?: readonly Pick<Uncounted, 'person' | 'keys' | 'because'>[];
    /** Why the gate does not open, in words that end a sentence; missing: it opens by itself. */
    readonly awaits?: string;
  };
  /** On the way back the store did not take the line's head in time: it is still to be returned. */
  readonly headPutOff: boolean;
  readonly question: Question | null;
  readonly paused: Pause | null;
  readonly troubles: readonly Trouble[];
  /** Nodes that people have left out; missing where there are none. */
  readonly excluded?: readonly Exclusion[];
  /** Nodes that one person asks to leave out, and a second person has to; missing where there are none. */
  readonly exclusionsAsked?: readonly { readonly node: NodeName; readonly by: readonly PersonId[] }[];
  readonly missing: readonly string[];
  readonly ignored: readonly string[];
  readonly reasons: readonly string[];
  readonly turnedAt: Phase | null;
  readonly commands: readonly CommandName[];
  /** Heads of audit chains, as the rotation anchors them; missing while none is known. */
  readonly audit?: readonly AuditHead[];
}

/** Whether a manifest was in force when this rotation began, or was approved in it: what nodes may be brought to without anybody's further word. */
export const servedBefore = ({ from, to, gate }: Pick<RotationStatus, 'from' | 'to' | 'gate'>, manifest: Sha256): boolean =>
  from === manifest || (to === manifest && gate.passedAt !== null);

const COHORT_STATE = { no: 'waiting', begun: 'switching', done: 'switched' } as const;

export const cohortName = (wave: number): string => (wave === 0 ? 'canary' : `wave ${wave}`);

export function statusOf(state: RotationState, now: Instant): RotationStatus {
  const { plan, work } = state;
  const waiting = asked(state, now);
  return {
    schemaVersion: 1,
    id: state.id,
    line: state.line,
    number: state.k,
    epoch: epochOf(state),
    kind: plan?.kind ?? null,
    trigger: state.trigger,
    undoes: state.undoes ?? null,
    ...(isEmergency(state) ? { emergency: { serialLast6: serialLast6(state.emergency.revoked) } } : {}),
    ...(state.adoptions === undefined ? {} : { adoptions: state.adoptions.map(({ signed: _signed, ...adoption }) => adoption) }),
    phase: state.phase,
    outcome: isTerminal(state.phase) ? state.phase : null,
    since: state.since,
    startedAt: state.startedAt,
    endedAt: state.endedAt,
    restoredAt: state.restoredAt,
    from: plan?.from ?? null,
    to: plan?.to ?? null,
    summary: plan?.summary ?? [],
    horizon: plan?.horizon ?? null,
    rollbackUntil:
      plan === null || isEmergency(state)
        ? null
        : lastAutomaticRollback(plan.horizon, Math.max(1, switchedNodes(state)), plan.maxUnavailable, state.policy),
    offset: state.offset,
    nodes: plan?.nodes ?? 0,
    maxUnavailable: plan?.maxUnavailable ?? 0,
    cohorts: (plan?.waves ?? []).map((nodes, wave) => ({
      name: cohortName(wave),
      nodes,
      state: COHORT_STATE[state.done.switched[wave] ?? 'no'],
    })),
    progress:
      work === null || plan === null
        ? null
        : {
            task: work.operation,
            handled: work.handled - work.again.length,
            of: work.wave === null ? plan.nodes : (plan.waves[work.wave] ?? 0),
          },
    soak: state.soak === null ? null : { endsAt: state.soak.endsAt, rounds: state.soak.rounds },
    pins: state.pins?.held ?? null,
    installation: state.authority.installation,
    mode: state.authority.mode,
    gate: {
      needed: approvalsNeeded(state),
      approvals: state.approvals.map(approvalStatus),
      counting: countingApprovals(state, now).length,
      eligible: plan?.eligible ?? [],
      openedAt: state.gate?.openedAt ?? null,
      deadline: state.gate?.deadline ?? null,
      latest: isEmergency(state) ? null : latestApprovalOf(state),
      silence: state.gate?.silence ?? 'no',
      passedAt: state.gate?.passedAt ?? null,
      binds: bindingOf(plan, state.gate),
      canary: state.gate?.canary ?? null,
      ...(state.gate?.uncounted === undefined
        ? {}
        : { uncounted: state.gate.uncounted.map(({ person, keys, because }) => ({ person, keys, because })) }),
      ...(state.awaitedRoster ? { awaits: state.awaitedRoster.reason } : {}),
    },
    headPutOff: state.done.head === 'put-off',
    question: state.question,
    paused: state.paused,
    troubles: state.troubles,
    ...(state.excluded === undefined ? {} : { excluded: state.excluded }),
    ...(waiting.length === 0 ? {} : { exclusionsAsked: waiting }),
    missing: state.missing,
    ignored: state.ignored,
    reasons: state.reasons,
    turnedAt: state.turnedAt,
    commands: legalCommands(state),
    ...(state.audit === undefined ? {} : { audit: state.audit }),
  };
}

/** Names in trouble, for a sentence. */
export const troubledNodes = (status: RotationStatus): readonly NodeName[] => status.troubles.map((trouble) => trouble.node);
