import type { Instant, LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { expectedEntries, expectedFiles } from '../../src/domain/expected.js';
import { horizonOf } from '../../src/domain/groups.js';
import { glassTerms, servedBefore, type GlassPlan, type NodeStanding } from '../../src/domain/node/break-glass.js';
import { orderOf } from '../../src/domain/node/order.js';
import type { NodeOutcome } from '../../src/domain/node/report.js';
import type { Policy } from '../../src/domain/policy.js';
import { signingCertificates, type NamedCertificate } from '../../src/domain/revocations.js';
import type { LineDeclaration, NodeDeclaration, Topology } from '../../src/domain/topology.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { parseManifest } from '../../src/manifest/parse.js';
import type { NodeShell } from '../../src/node-shell/contract.js';
import { createNodeActivities, parseJournal, type NodeActivityDeps } from '../node/index.js';
import { LinePaths } from '../node/paths.js';
import { StateFile } from '../node/state-file.js';
import { ContentsOnNode, type Kept, type StoreWithin } from './contents.js';
import type { BreakGlassActivities } from './contract.js';

export interface GlassSurroundings {
  readonly topology: Topology;
  readonly policy: Policy;
  readonly node: NodeDeclaration;
  readonly line: LineName;
  readonly store: StoreWithin;
  readonly reach: (node: NodeDeclaration) => NodeShell;
  readonly verifier: NodeActivityDeps['verifier'];
  /** Of this machine, in milliseconds since 1970. */
  readonly clock: () => Instant;
  readonly sleep: NodeActivityDeps['sleep'];
  readonly progress: (what: string) => void;
  readonly version: string;
  /** Where a test stops it short. */
  readonly hooks?: NodeActivityDeps['hooks'];
}

/** One node on one line, without the control plane: what it is, what may be done, and doing it by the node's own operations. */
export class GlassDesk implements BreakGlassActivities {
  private readonly declaration: LineDeclaration;
  private readonly files: NodeShell;
  private readonly paths: LinePaths;
  private readonly contents: ContentsOnNode;
  private readonly digests: { readonly topology: Sha256; readonly policy: Sha256 };

  constructor(private readonly around: GlassSurroundings) {
    const { topology, policy, node, line, store, reach } = around;
    const declaration = topology.lines[line];
    if (declaration === undefined || !node.lines.includes(line))
      throw new ResealError('NOT_FOUND', `Node ${node.name} does not follow ${line}: it follows ${node.lines.join(', ') || 'no line'}.`);
    this.declaration = declaration;
    this.files = reach(node);
    this.paths = new LinePaths(node, line, declaration.distribution === 'mount' ? node.name : null);
    this.digests = { topology: sha256Of(Buffer.from(canonicalJson(topology))), policy: sha256Of(Buffer.from(canonicalJson(policy))) };
    const documents = new Map<Sha256, unknown>([
      [this.digests.topology, topology],
      [this.digests.policy, policy],
    ]);
    this.contents = new ContentsOnNode(line, [{ files: this.files, node }, ...this.publisher()], documents, store);
  }

  /** Of a published line: what nodes have retired lies there. */
  private publisher(): readonly Kept[] {
    const { topology, reach } = this.around;
    const { distribution, publisher } = this.declaration;
    if (distribution !== 'mount') return [];
    const node = topology.nodes.find((one) => one.name === publisher);
    return node === undefined ? [] : [{ files: reach(node), node }];
  }

  /** @throws ResealError NODE_UNREACHABLE, NODE_WRITE_FAILED where its state cannot be read */
  async standing(): Promise<NodeStanding> {
    const { files, paths } = this;
    const { line } = this.around;
    await files.reach();
    const [pointer] = await files.digests([paths.active]);
    const active = pointer?.kind === 'file' ? pointer.sha256 : null;
    const accepted = (await new StateFile<readonly Sha256[]>(files, paths.stateFile('accepted.json')).read(line)) ?? [];
    const journal = parseJournal(Buffer.from(await files.tail(paths.stateFile('journal'), 0)).toString('utf8'));
    const newest = journal.findLast(({ line: of, token, phase }) => of === line && token !== undefined && phase === 'intent');
    const fence =
      newest?.token === undefined
        ? null
        : { epoch: newest.epoch, opId: newest.opId, sentAt: newest.sentAt ?? 0, attempt: newest.attempt, token: newest.token };
    return { active, accepted, fence, before: servedBefore(journal, line, active) };
  }

  /**
   * What is to be done; nothing is, yet. All that the manifest needs is there then, and lives.
   * @param named a manifest that a person has named; null: what the node served before
   * @throws ResealError NOT_FOUND where it or something that it needs is nowhere, PAST_HORIZON where it has expired, REFUSED where nobody knows what to bring back
   */
  async plan(named: Sha256 | null): Promise<GlassPlan> {
    const { node, line, clock } = this.around;
    const { active, accepted, fence, before } = await this.standing();
    const target = named ?? before;
    if (target === null) {
      const has = accepted.length === 0 ? 'It accepts none' : `It accepts ${accepted.join(', ')}`;
      throw new ResealError(
        'REFUSED',
        `Node ${node.name} does not tell what it served before on ${line}: it serves ${active ?? 'nothing'}, and its journal has nothing from before. ${has}. Name what to bring back with --to SHA256.`,
      );
    }
    const { bytes, source } = await this.contents.found(target);
    const manifest = parseManifest(bytes, `manifests/${target}.json`);
    if (manifest.line !== line) throw new ResealError('REFUSED', `Manifest ${target} is of line ${manifest.line}, not of ${line}.`);
    const entries = expectedEntries(node, this.declaration, manifest);
    const goodUntil = entries.length === 0 ? null : horizonOf(manifest, entries);
    if (goodUntil !== null && goodUntil <= clock())
      throw new ResealError('PAST_HORIZON', `Nothing can be signed with manifest ${target} any more: the first of its profiles and certificates on ${node.name} expired ${new Date(goodUntil).toISOString()}. Name a younger one with --to SHA256.`); // prettier-ignore
    for (const sha256 of new Set(expectedFiles(node, this.declaration, manifest, target).placements.map((one) => one.sha256)))
      await this.contents.profile(sha256);
    return { node: node.name, line, before: active, manifest: target, source, goodUntil, overtakes: fence?.opId ?? null };
  }

  /** The certificates that this node signs with by a manifest. @throws ResealError NOT_FOUND */
  async certificates(target: Sha256): Promise<readonly NamedCertificate[]> {
    const manifest = parseManifest((await this.contents.found(target)).bytes, `manifests/${target}.json`);
    return signingCertificates(manifest, expectedEntries(this.around.node, this.declaration, manifest));
  }

  /**
   * By the node's own operations: the files back and accepted, then the pointer, then probes in a row. What is repeated after it was cut off finds done
   * what is done. The manifest that the node served stays there beside it.
   */
  restoreUnasked: BreakGlassActivities['restoreUnasked'] = async (planned) => {
    const { node, line, policy, verifier, clock, sleep, progress, reach, version, hooks } = this.around;
    const { manifest, source } = planned;
    const { fence, active: before } = await this.standing();
    const more = { topology: this.digests.topology, policyDigest: this.digests.policy, limits: policy.limits };
    const terms = glassTerms(line, fence, more, clock());
    const order = (task: 'restore' | 'return') => ({ node: node.name, ...orderOf(task, terms, Math.max(terms.sentAt, clock())) });
    const activities = createNodeActivities({
      ...{ store: this.contents, verifier, sleep, reach, version },
      attempt: () => ({ number: 1, startedAt: null }),
      heartbeat: () => undefined,
      ...(hooks === undefined ? {} : { hooks }),
    });
    progress(`${node.name} on ${line}: bringing back manifest ${manifest.slice(0, 12)}`);
    const brought = await activities.restoreNode({ ...order('restore'), manifest });
    progress(`${node.name} on ${line}: switching, and probing until it passes in a row`);
    const switched = await activities.switchNode({ ...order('return'), target: manifest, revertTo: null });
    const ended = [brought, switched].find(({ outcome }) => outcome !== 'done') ?? switched;
    const reason = [brought, switched].flatMap((one) => (one.outcome === 'done' ? [] : [one.reason])).join(' ');
    const outcome: NodeOutcome = ended.outcome;
    return { node: node.name, line, before, manifest, source, active: switched.active, outcome, reason };
  };
}
