import type { Instant, LineName, NodeName, Sha1, Sha256, Uuid } from '../brands.js';
import { expectedEntries, identityHolders, needsEntry } from '../expected.js';
import type { Manifest, ManifestEntry } from '../manifest.js';
import type { NodePins } from '../node/pins.js';
import type { LineDeclaration, NodeDeclaration, Topology } from '../topology.js';

/** What falls, or is feared for (S9). */
export type ImpactQuestion =
  | { readonly kind: 'certificate'; readonly sha1: Sha1 }
  | { readonly kind: 'profile'; readonly uuid: Uuid }
  | { readonly kind: 'node'; readonly node: NodeName };

/** What a node last said of a line. */
export interface NodeTruth {
  readonly node: NodeName;
  readonly line: LineName;
  readonly active: Sha256 | null;
  readonly accepted: readonly Sha256[];
  readonly pins: NodePins | null;
  readonly seenAt: Instant;
}

/** A build in flight after it has left its node. */
export interface HandoffInFlight {
  readonly line: LineName;
  readonly manifest: Sha256;
  readonly pipeline: string;
  readonly job: string;
  readonly bundles: readonly string[];
}

export interface ImpactFacts {
  readonly topology: Topology;
  /** In force, by line. */
  readonly heads: ReadonlyMap<LineName, Sha256>;
  /** Those in force, and those that nodes accept or builds hold, as far as the store has them. */
  readonly manifests: ReadonlyMap<Sha256, Manifest>;
  readonly nodes: readonly NodeTruth[];
  readonly handoffs: readonly HandoffInFlight[];
}

/** One entry of manifests that is affected. */
export interface AffectedTarget {
  readonly line: LineName;
  readonly app: string;
  readonly role: ManifestEntry['role'];
  readonly bundleId: string;
  readonly method: ManifestEntry['method'];
  readonly holder: NodeName | null;
  readonly targets: readonly string[];
  readonly uuid: Uuid;
  readonly expiresAt: string;
  /** `signs`: builds sign with the certificate, or it is the profile in question; `embeds`: its profile merely names the certificate, among others. */
  readonly how: 'signs' | 'embeds';
  /** Of the line's manifest in force; false: only of one that nodes still accept. */
  readonly inForce: boolean;
}

export interface AffectedNode {
  readonly node: NodeName;
  readonly line: LineName;
  readonly region: string;
  readonly roles: readonly string[];
  /** `active`: it serves it; `accepted`: builds may still use it; `expected`: it ought to, and has not said what it has. */
  readonly why: 'active' | 'accepted' | 'expected';
  /** It may hold the private key of the certificate. */
  readonly holdsKey: boolean;
  /** Builds that hold it there now. */
  readonly builds: number;
  /** When it last said what it has; null: never. */
  readonly seenAt: Instant | null;
}

export interface AffectedPipeline {
  readonly name: string;
  readonly bundles: readonly string[];
  /** How it is known. */
  readonly known: readonly ('declared' | 'pinned' | 'handoff')[];
  /** Builds that hold it now: pinned on nodes, and handed on. */
  readonly builds: number;
}

export interface Impact {
  readonly targets: readonly AffectedTarget[];
  readonly nodes: readonly AffectedNode[];
  readonly pipelines: readonly AffectedPipeline[];
}

/** Everything that a certificate, a profile or a node takes with it. Pure: one walk over nodes, entries and pipelines, whatever their number. */
export function impactOf(question: ImpactQuestion, facts: ImpactFacts): Impact {
  const affected = affectedByManifest(question, facts);
  const truths = new Map(facts.nodes.map((truth) => [keyOf(truth.node, truth.line), truth]));
  const nodes = facts.topology.nodes.flatMap((node) =>
    question.kind === 'node' && node.name !== question.node ? [] : nodeOnLines(node, question, facts, affected, truths),
  );
  const targets = targetsOf(facts, affected, question.kind === 'node' ? question.node : null);
  return { targets, nodes, pipelines: pipelinesOf(targets, facts, affected, question) };
}

interface Affected {
  readonly manifest: Manifest;
  readonly entries: ReadonlyMap<ManifestEntry, AffectedTarget['how']>;
}

function affectedByManifest(question: ImpactQuestion, { manifests }: ImpactFacts): ReadonlyMap<Sha256, Affected> {
  const affected = new Map<Sha256, Affected>();
  for (const [digest, manifest] of manifests) {
    const entries = new Map<ManifestEntry, AffectedTarget['how']>();
    for (const entry of manifest.profiles) {
      const how = howAffected(question, entry);
      if (how !== null) entries.set(entry, how);
    }
    if (entries.size > 0) affected.set(digest, { manifest, entries });
  }
  return affected;
}

function howAffected(question: ImpactQuestion, entry: ManifestEntry): AffectedTarget['how'] | null {
  switch (question.kind) {
    case 'certificate':
      if (entry.identity === question.sha1) return 'signs';
      return entry.profile.certificates.includes(question.sha1) ? 'embeds' : null;
    case 'profile':
      return entry.profile.uuid === question.uuid ? 'signs' : null;
    case 'node':
      return 'signs';
  }
}

function nodeOnLines(
  node: NodeDeclaration,
  question: ImpactQuestion,
  facts: ImpactFacts,
  affected: ReadonlyMap<Sha256, Affected>,
  truths: ReadonlyMap<string, NodeTruth>,
): readonly AffectedNode[] {
  return node.lines.flatMap((name): AffectedNode[] => {
    const line = facts.topology.lines[name];
    if (line === undefined) return [];
    const truth = truths.get(keyOf(node.name, name));
    const needs = (digest: Sha256 | null | undefined): boolean => {
      const found = digest === null || digest === undefined ? undefined : affected.get(digest);
      return found !== undefined && needsOne(node, line, found);
    };
    const why = whyOf(truth, needs, facts.heads.get(name));
    if (why === null) return [];
    return [
      {
        node: node.name,
        line: name,
        region: node.region,
        roles: node.roles,
        why,
        holdsKey: question.kind === 'certificate' && mayHold(node, name, line, question.sha1, affected),
        builds: (truth?.pins?.held ?? []).filter((pin) => affected.has(pin.manifest)).length,
        seenAt: truth?.seenAt ?? null,
      },
    ];
  });
}

function whyOf(
  truth: NodeTruth | undefined,
  needs: (digest: Sha256 | null | undefined) => boolean,
  head: Sha256 | undefined,
): AffectedNode['why'] | null {
  if (truth === undefined) return needs(head) ? 'expected' : null;
  if (needs(truth.active)) return 'active';
  return truth.accepted.some(needs) ? 'accepted' : null;
}

const keyOf = (node: NodeName, line: LineName): string => `${node} ${line}`;

function mayHold(
  node: NodeDeclaration,
  name: LineName,
  line: LineDeclaration,
  sha1: Sha1,
  affected: ReadonlyMap<Sha256, Affected>,
): boolean {
  if (identityHolders([node], name, line).length === 0) return false;
  for (const one of affected.values())
    if (one.manifest.line === name && needsOne(node, line, one, (entry) => entry.identity === sha1)) return true;
  return false;
}

/** Whether a node needs one of the entries. Asked for every node: it ends with the first, and gathers nothing. */
function needsOne(
  node: NodeDeclaration,
  line: LineDeclaration,
  { manifest, entries }: Affected,
  fits: (entry: ManifestEntry) => boolean = () => true,
): boolean {
  for (const entry of entries.keys()) if (fits(entry) && needsEntry(node, line, manifest, entry)) return true;
  return false;
}

function targetsOf(
  { topology, heads }: ImpactFacts,
  affected: ReadonlyMap<Sha256, Affected>,
  of: NodeName | null,
): readonly AffectedTarget[] {
  const targets = new Map<string, AffectedTarget>();
  const node = of === null ? null : topology.nodes.find((one) => one.name === of);
  for (const [digest, { manifest, entries }] of affected) {
    const line = topology.lines[manifest.line];
    const inForce = heads.get(manifest.line) === digest;
    // Of a node the question is what it serves from now on; of an asset also what is still accepted.
    if (of !== null && !inForce) continue;
    const wanted = node === null || node === undefined || line === undefined ? null : new Set(expectedEntries(node, line, manifest));
    for (const [entry, how] of entries) {
      if (wanted !== null && !wanted.has(entry)) continue;
      const key = [manifest.line, entry.bundleId, entry.method, entry.variant ?? '', entry.holder ?? '', entry.profile.uuid].join(' ');
      const before = targets.get(key);
      targets.set(key, {
        line: manifest.line,
        app: entry.app,
        role: entry.role,
        bundleId: entry.bundleId,
        method: entry.method,
        holder: entry.holder ?? null,
        targets: entry.targets,
        uuid: entry.profile.uuid,
        expiresAt: entry.profile.expiresAt,
        how,
        inForce: inForce || before?.inForce === true,
      });
    }
  }
  return [...targets.values()];
}

function pipelinesOf(
  targets: readonly AffectedTarget[],
  { topology, nodes, handoffs }: ImpactFacts,
  affected: ReadonlyMap<Sha256, Affected>,
  question: ImpactQuestion,
): readonly AffectedPipeline[] {
  const bundles = new Set(targets.map((target) => target.bundleId));
  const found = new Map<string, { bundles: Set<string>; known: Set<AffectedPipeline['known'][number]>; builds: number }>();
  const note = (name: string, known: AffectedPipeline['known'][number], of: readonly string[], builds: number): void => {
    const one = found.get(name) ?? { bundles: new Set<string>(), known: new Set(), builds: 0 };
    of.filter((bundle) => bundles.has(bundle)).forEach((bundle) => one.bundles.add(bundle));
    one.known.add(known);
    one.builds += builds;
    found.set(name, one);
  };
  for (const pipeline of topology.pipelines)
    if (pipeline.bundles.some((bundle) => bundles.has(bundle))) note(pipeline.name, 'declared', pipeline.bundles, 0);
  for (const truth of nodes) {
    if (question.kind === 'node' && truth.node !== question.node) continue;
    for (const pin of truth.pins?.held ?? []) {
      // A build that did not say what it builds may build anything of its manifest.
      const concerned = affected.has(pin.manifest) && (pin.bundles.length === 0 || pin.bundles.some((bundle) => bundles.has(bundle)));
      if (concerned) note(pin.pipeline ?? '(without a name)', 'pinned', pin.bundles, 1);
    }
  }
  // What was handed on has left its node.
  if (question.kind !== 'node')
    for (const handoff of handoffs)
      if (affected.has(handoff.manifest) && handoff.bundles.some((bundle) => bundles.has(bundle)))
        note(handoff.pipeline, 'handoff', handoff.bundles, 1);
  return [...found].map(([name, one]) => ({ name, bundles: [...one.bundles], known: [...one.known], builds: one.builds }));
}
