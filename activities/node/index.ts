import type { Configuration } from '../../src/configuration/load.js';
import type { Instant, NodeName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import { pinsSeen } from '../../src/domain/node/pins.js';
import type { NodeOutcome, NodeResult } from '../../src/domain/node/report.js';
import type { LineDeclaration, NodeDeclaration } from '../../src/domain/topology.js';
import type { NodeShell } from '../../src/node-shell/contract.js';
import { reachNodes } from '../../src/node-shell/reach.js';
import type { NodeActivities } from './contract.js';
import { exportIdentity } from './export-identity.js';
import { activityFailure } from './failures.js';
import { FrozenContents, type KnownTopology, type NodeContent } from './frozen-contents.js';
import { inspect } from './inspect.js';
import { manifestOf, reasonOf, remove, restore, stage, switchTo, type OperationTools } from './operations.js';
import { LinePaths, VolumePaths } from './paths.js';
import { readPins } from './pins.js';
import { probeNode } from './probe.js';
import { purge } from './purge.js';
import type { NodeSession, StepHooks } from './session.js';
import type { ProfileVerifier } from './verifier.js';
import { mustBeWarranted } from './warrant.js';

export { profileVerifier, type ProfileVerdict, type ProfileVerifier } from './verifier.js';
export { parseLines as parseJournal, type JournalEntry } from './journal.js';
export type { ContentStore, NodeContent } from './frozen-contents.js';
export type { StepHooks } from './session.js';

/** What Temporal knows of the attempt that runs now. */
export interface AttemptFacts {
  /** From 1. */
  readonly number: number;
  /**
   * When this attempt began, by the sender's clock; null: not known. Only with it can a node's clock be found to run ahead: without it a
   * late order may as well have waited in a queue (Temporal tells an activity when it was scheduled, not when it was handed out).
   */
  readonly startedAt: Instant | null;
}

export interface NodeActivityDeps {
  readonly store: NodeContent;
  readonly verifier: ProfileVerifier;
  /** In place of the node's own clock and this machine's, in milliseconds since 1970. */
  readonly clock?: () => Instant;
  /** Waits between probes; should end early, by throwing, when the activity is cancelled. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly attempt: () => AttemptFacts;
  readonly heartbeat: (details: unknown) => void;
  /** How a node's files are reached. Default: from this machine, with the OpenSSH client's own settings. */
  readonly reach?: (node: NodeDeclaration) => NodeShell;
  /** By which whoever serves the nodes judges the word that an export goes by; missing: nothing is exported. */
  readonly configuration?: () => Configuration;
  /** Told in reports. Default `0.1.0`. */
  readonly version?: string;
  readonly hooks?: StepHooks;
}

/** How many nodes one probe activity looks at side by side. */
const PROBED_AT_ONCE = 16;

/** The node activities over real files. Frozen contents are shared by all nodes of one worker. */
export function createNodeActivities(deps: NodeActivityDeps): NodeActivities {
  const contents = new FrozenContents(deps.store);
  const clock = deps.clock ?? Date.now;
  const reach = deps.reach ?? reachNodes().files;

  const tools = (): OperationTools => {
    const { verifier, sleep, heartbeat } = deps;
    return { verifier, clock, sleep, heartbeat, attempt: deps.attempt().number, hooks: deps.hooks ?? {} };
  };

  const open = async (order: Omit<NodeOrder, 'node'>, name: NodeName): Promise<NodeSession> => {
    const [{ topology, nodes }, policy] = await Promise.all([contents.topology(order.topology), contents.policy(order.policy)]);
    const node = nodes.get(name);
    const line = topology.lines[order.line];
    if (node === undefined) throw new ResealError('CONFIG_INVALID', `The frozen topology ${order.topology} has no node ${name}.`);
    if (line === undefined) throw new ResealError('CONFIG_INVALID', `The frozen topology ${order.topology} has no line ${order.line}.`);
    const files = reach(node);
    const skew = skewOf(order, deps.attempt(), await (deps.clock?.() ?? files.now()));
    const paths = new LinePaths(node, order.line, line.distribution === 'mount' ? name : null);
    return { files, node, name: order.line, line, policy, paths, contents, order, skew, publisher: publisherOf(order, line, nodes, name) };
  };

  const publisherOf = (
    order: Omit<NodeOrder, 'node'>,
    line: LineDeclaration,
    nodes: KnownTopology['nodes'],
    reader: NodeName,
  ): NodeSession['publisher'] => {
    if (line.distribution === 'copy') return null;
    return () => {
      const publisher = line.publisher === undefined ? undefined : nodes.get(line.publisher);
      if (publisher === undefined)
        throw new ResealError('CONFIG_INVALID', `The frozen topology ${order.topology} has no publisher of line ${order.line}.`);
      return { files: reach(publisher), paths: new VolumePaths(publisher, order.line, reader) };
    };
  };

  const probeOne = async (order: Omit<NodeOrder, 'node'> & { readonly manifest: Sha256 }, name: NodeName): Promise<NodeResult> => {
    try {
      const session = await open(order, name);
      const probe = await probeNode(session, await manifestOf(session, order.manifest), deps.verifier, clock());
      const outcome = ({ pass: 'done', fail: 'failed', inconclusive: 'inconclusive' } as const satisfies Record<string, NodeOutcome>)[
        probe.verdict
      ];
      const pins = pinsSeen(await readPins(session, clock()));
      return { node: name, outcome, active: probe.active, reason: probe.verdict === 'pass' ? '' : reasonOf(probe, probe.verdict), pins };
    } catch (error) {
      if (!(error instanceof ResealError && error.code === 'NODE_UNREACHABLE')) throw error;
      return { node: name, outcome: 'unreachable', active: null, reason: error.message };
    }
  };

  const failing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw activityFailure(error, deps.attempt().number);
    }
  };

  return {
    inspectNode: (order) =>
      failing(async () => {
        const session = await open(order, order.node);
        const [expected, next] = [
          await manifestOf(session, order.manifest),
          order.next === undefined ? null : await manifestOf(session, order.next),
        ];
        const report = await inspect(session, expected, deps.verifier, clock(), deps.version ?? '0.1.0', next);
        if (order.everyCheck === true) return report;
        const { checks: _checks, ...brief } = report;
        return brief;
      }),
    stageNode: (order) => failing(async () => stage(await open(order, order.node), tools(), order.to)),
    switchNode: (order) => failing(async () => switchTo(await open(order, order.node), tools(), order.target, order.revertTo)),
    retireNode: (order) => failing(async () => remove(await open(order, order.node), tools(), 'retire', order.old, order.keep, order.pins)),
    restoreNode: (order) => failing(async () => restore(await open(order, order.node), tools(), order.manifest)),
    unstageNode: (order) =>
      failing(async () => remove(await open(order, order.node), tools(), 'unstage', order.remove, order.keep, order.pins)),
    purgeNode: (order) => failing(async () => purge(await open(order, order.node), order.ticket, clock)),
    exportIdentity: (order) =>
      failing(async () => {
        if (deps.configuration === undefined)
          throw new ResealError('REFUSED', `Who serves ${order.node} has no roster to judge by, and exports nothing.`);
        if (clock() > order.notAfter)
          throw new ResealError('ORDER_EXPIRED', `Node ${order.node}: the order to export was good until ${new Date(order.notAfter).toISOString()}. Nothing was touched.`); // prettier-ignore
        const asked = mustBeWarranted(deps.configuration(), order.node, order.warrant, clock());
        return exportIdentity(await open(order, order.node), { asked, oneTime: order.oneTime }, clock);
      }),
    probeNodes: (order) =>
      failing(async () => {
        const results: NodeResult[] = [];
        for (let start = 0; start < order.nodes.length; start += PROBED_AT_ONCE) {
          results.push(...(await Promise.all(order.nodes.slice(start, start + PROBED_AT_ONCE).map((name) => probeOne(order, name)))));
          deps.heartbeat({ probed: results.length, of: order.nodes.length });
        }
        return results;
      }),
  };
}

/** How far the node's clock is off, in milliseconds; an order from the future is off whatever else is known. */
function skewOf(order: Omit<NodeOrder, 'node'>, facts: AttemptFacts, now: Instant): number {
  if (order.sentAt > now) return now - order.sentAt;
  return facts.startedAt === null ? 0 : now - facts.startedAt;
}
