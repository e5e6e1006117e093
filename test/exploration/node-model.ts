import type { NodeName, Sha1, Sha256, Uuid } from '../../src/domain/brands.js';
import { admit, stillHolds, type Fence } from '../../src/domain/node/order.js';
import { proof, type Verdict } from '../../src/domain/node/probe.js';
import {
  activateSteps,
  removeSteps,
  restoreSteps,
  stageSteps,
  type ManifestFiles,
  type NodeStep,
  type Placement,
} from '../../src/domain/node/steps.js';
import type { NodeTask } from '../../src/domain/rotation/state.js';

/** The two manifests of the model, one profile file and one identity each. */
export const FROM = 'from' as Sha256;
export const TO = 'to' as Sha256;
export const identityOf = (manifest: Sha256): Sha1 => manifest as string as Sha1;
const filesOf = (manifest: Sha256): ManifestFiles => ({
  manifest,
  placements: [{ folder: 'xcode16', fileName: `${manifest}.mobileprovision`, uuid: manifest as string as Uuid, sha256: manifest }],
  identities: [identityOf(manifest)],
});
const FILES: Readonly<Record<string, ManifestFiles>> = { [FROM]: filesOf(FROM), [TO]: filesOf(TO) };
export const placementOf = (manifest: Sha256): Placement => (FILES[manifest] as ManifestFiles).placements[0] as Placement;

/** A node of the model: its files, what it accepts, what is active, and who owns the line. */
export interface ModelNode {
  readonly name: NodeName;
  readonly files: Readonly<Record<string, 'ok' | 'bad' | 'gone'>>;
  /** Whether an identity is on the keychains' search list. */
  readonly identities: Readonly<Record<string, boolean>>;
  readonly manifests: Readonly<Record<string, boolean>>;
  readonly accepted: readonly Sha256[];
  readonly active: Sha256;
  readonly fence: Fence | null;
  /** A build that runs here, with the manifest that it holds. */
  readonly pin: { readonly manifest: Sha256; readonly expires: number } | null;
  /** How the new assets do here, whatever anybody believes. */
  readonly health: 'good' | 'broken' | 'unclear';
}

export const newNode = (name: string): ModelNode => ({
  name: name as NodeName,
  files: { [FROM]: 'ok', [TO]: 'gone' },
  identities: { [FROM]: true, [TO]: false },
  manifests: { [FROM]: true, [TO]: false },
  accepted: [FROM],
  active: FROM,
  fence: null,
  pin: null,
  health: 'good',
});

export interface Attempt {
  readonly node: NodeName;
  readonly task: NodeTask;
  readonly fence: Fence;
  /** Whether the node has admitted it; what never got that far asks for it when it wakes. */
  readonly admitted: boolean;
  /** Steps not yet taken. */
  readonly left: readonly NodeStep[];
}

export type StepResult =
  { readonly node: ModelNode; readonly ok: true } | { readonly node: ModelNode; readonly ok: false; readonly reason: string };

/** The steps of a task: those of the product. */
export function stepsOf(task: NodeTask): readonly NodeStep[] {
  const from = FILES[FROM] as ManifestFiles;
  const to = FILES[TO] as ManifestFiles;
  switch (task) {
    case 'stage':
      return stageSteps(to);
    case 'switch':
      return activateSteps(to);
    case 'repair':
      return [...stageSteps(to), ...activateSteps(to)];
    case 'return':
      return activateSteps(from);
    case 'restore':
      return restoreSteps(from);
    case 'retire':
      return removeSteps(from, [to]);
    case 'unstage':
      return removeSteps(to, [from]);
    case 'probe':
      return [];
  }
}

/** Takes one step. `lying`: the disk reports success and keeps other bytes. */
export function take(node: ModelNode, step: NodeStep, mine: Fence, lying: boolean): StepResult {
  const done = (change: Partial<ModelNode>): StepResult => ({ node: { ...node, ...change }, ok: true });
  const fail = (reason: string): StepResult => ({ node, ok: false, reason });
  switch (step.do) {
    case 'fence': {
      const held = stillHolds(node.fence, mine, Number.POSITIVE_INFINITY, 0);
      return held.admit ? done({}) : fail(held.code);
    }
    case 'put-profile':
      // What is there as it should be is not written again, so that no disk can lie about it.
      return done({
        files: { ...node.files, [step.placement.sha256]: lying && node.files[step.placement.sha256] !== 'ok' ? 'bad' : 'ok' },
      });
    case 'put-identity':
      return done({ identities: { ...node.identities, [step.identity]: true } });
    case 'unlock-identity':
      // Locks are no part of the model: they come and go by themselves.
      return done({});
    case 'shelve-identity':
      return done({ identities: { ...node.identities, [step.identity]: false } });
    case 'put-manifest':
      return done({ manifests: { ...node.manifests, [step.manifest]: true } });
    case 'accept':
      return done({ accepted: [...new Set([...node.accepted, step.manifest])].sort() });
    case 'un-accept':
      return done({ accepted: node.accepted.filter((one) => one !== step.manifest) });
    case 'activate':
      return done({ active: step.manifest });
    case 'quarantine-profile':
      return done({ files: { ...node.files, [step.placement.sha256]: 'gone' } });
    case 'quarantine-manifest':
      return done({ manifests: { ...node.manifests, [step.manifest]: false } });
    case 'read-back': {
      const { expect } = step;
      const missing = (expect.present ?? []).find((one) => node.files[one.sha256] !== 'ok');
      if (missing !== undefined) return fail(`READ_BACK_FAILED ${missing.fileName}`);
      if ((expect.absent ?? []).some((one) => node.files[one.sha256] !== 'gone')) return fail('READ_BACK_FAILED still there');
      if ((expect.identitiesPresent ?? []).some((one) => node.identities[one] !== true)) return fail('READ_BACK_FAILED identity');
      if ((expect.identitiesAbsent ?? []).some((one) => node.identities[one] === true))
        return fail('READ_BACK_FAILED identity still there');
      if ((expect.manifestsPresent ?? []).some((one) => node.manifests[one] !== true)) return fail('READ_BACK_FAILED manifest');
      if ((expect.manifestsAbsent ?? []).some((one) => node.manifests[one] === true)) return fail('READ_BACK_FAILED manifest still there');
      if (expect.active !== undefined && node.active !== expect.active) return fail('READ_BACK_FAILED active');
      return done({});
    }
  }
}

/** The node admits an order: from now on it belongs to this attempt. */
export function admitAttempt(node: ModelNode, fence: Fence): ModelNode | null {
  return admit(node.fence, fence, Number.POSITIVE_INFINITY, 0).admit ? { ...node, fence } : null;
}

/** What the product's own proof makes of this node's probes. */
export function probed(node: ModelNode): 'proven' | 'failed' | 'unclear' {
  const healthy =
    node.files[node.active] === 'ok' &&
    node.identities[identityOf(node.active)] === true &&
    node.manifests[node.active] === true &&
    node.accepted.includes(node.active);
  const verdict: Verdict = !healthy
    ? 'fail'
    : node.active === FROM || node.health === 'good'
      ? 'pass'
      : node.health === 'broken'
        ? 'fail'
        : 'inconclusive';
  const probes = Array.from({ length: 6 }, (_, index) => ({ at: index, verdict }));
  const result = proof(probes, 3, 4);
  return result.state === 'proving' ? 'unclear' : result.state;
}
