import type { LineName, NodeName, PersonId, Sha256, TeamId } from '../../../src/domain/brands.js';
import type { Manifest } from '../../../src/domain/manifest.js';
import type { Forecast } from '../../../src/domain/rehearsal/forecast.js';
import type { NodeStep, RehearsedRun, StepKind } from '../../../src/domain/rehearsal/run.js';
import type { LineDeclaration, NodeDeclaration } from '../../../src/domain/topology.js';
import { PolicySchema } from '../../../src/schema/policy.js';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** A Monday, at the hour of the default scan. */
export const MONDAY = Date.parse('2026-11-23T06:00:00Z');

export const policy = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' } });

export const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;

const node = (name: string, role: 'signer' | 'compile'): NodeDeclaration => ({
  name: name as NodeName,
  region: 'eu-west',
  environment: 'production',
  lines: ['ios-main' as LineName],
  pool: 'main',
  roles: [role],
  keys: role === 'signer' ? 'allowed' : 'forbidden',
  image: 'tahoe',
  profileFolders: ['xcode16'],
  mount: '/mount',
  state: '/state',
  hardware: 'mac-mini',
  reach: { kind: 'agent' },
});

export const declaration: LineDeclaration = {
  identity: 'signers',
  distribution: 'copy',
  profilesOn: ['signer', 'compile'],
  store: 'main',
  sources: ['drop'],
  successorOwner: 'rita' as PersonId,
};

const nodes = [node('sign-1', 'signer'), node('sign-2', 'signer'), node('build-1', 'compile'), node('build-2', 'compile')];

/** A line on which nothing is wrong: it begins in office hours, with time, successors and people to spare. */
export const wellForecast: Forecast = {
  line: 'ios-main' as LineName,
  declaration,
  policy,
  nodes,
  cohorts: [['sign-1'], ['build-1', 'build-2', 'sign-2']] as NodeName[][],
  mesh: { nodes: 4, waves: [1, 3], maxUnavailable: 1 },
  now: MONDAY - 30 * DAY,
  at: MONDAY + 3 * HOUR,
  horizon: MONDAY + 7 * DAY,
  reasons: [],
  missing: [],
  ignored: [],
  approvers: ['ada', 'grace', 'bogdan'] as PersonId[],
  topology: [],
  unreadable: [],
};

export function manifestExpiring(expiresAt: string): Manifest {
  const profile = { uuid: 'u', fileName: 'u.mobileprovision', sha256: digest('a'), name: 'n', appId: 'T.a', platforms: ['iOS'], certificates: [], createdAt: expiresAt, expiresAt }; // prettier-ignore
  return {
    schemaVersion: 1,
    line: 'ios-main' as LineName,
    certificates: {},
    profiles: [{ app: 'a', role: 'host', team: 'T' as TeamId, bundleId: 'a', method: 'app-store', targets: ['A'], identity: 'i', profile }],
  } as unknown as Manifest;
}

export const step = (name: string, kind: StepKind, began: number, outcome: NodeStep['outcome'] = 'done'): NodeStep => ({
  node: name as NodeName,
  kind,
  began,
  ended: began + 1,
  outcome,
  passes: null,
  active: null,
  reason: '',
});

const served = (active: Sha256): RehearsedRun['serving'] =>
  ['sign-1', 'build-1', 'build-2'].map((name) => ({ node: name as NodeName, active }));

/** One that turned back in order after its first wave. */
export const rolledBack: RehearsedRun = {
  rotation: 'ios-main-1',
  fault: 'a disk is full',
  expected: ['rolled-back'],
  outcome: 'rolled-back',
  reasons: ['rolling failed'],
  from: digest('a'),
  to: digest('b'),
  maxUnavailable: 1,
  cohorts: [
    { name: 'canary', nodes: ['sign-1' as NodeName] },
    { name: 'wave 1', nodes: ['build-1', 'build-2'] as NodeName[] },
  ],
  phases: [
    { phase: 'rolling', began: 0, ended: 10 },
    { phase: 'rolled-back', began: 10, ended: 10 },
  ],
  approvals: [],
  questions: ['asks stalled about build-2: retry or rollback'],
  troubles: ['build-2: its disk is full'],
  steps: [
    step('sign-1', 'switch', 0),
    step('build-1', 'switch', 1),
    step('build-2', 'switch', 2, 'failed'),
    step('build-1', 'switch-back', 5),
    step('build-2', 'switch-back', 4),
    step('sign-1', 'switch-back', 6),
    step('sign-1', 'unstage', 8),
    step('build-1', 'unstage', 9),
  ],
  restoredAt: 7,
  serving: served(digest('a')),
};

export const completed: RehearsedRun = {
  ...rolledBack,
  rotation: 'ios-main-2',
  fault: null,
  expected: ['completed'],
  outcome: 'completed',
  reasons: [],
  questions: [],
  troubles: [],
  steps: [step('sign-1', 'switch', 0), step('build-1', 'switch', 1), step('build-2', 'switch', 2)],
  restoredAt: null,
  serving: served(digest('b')),
};
