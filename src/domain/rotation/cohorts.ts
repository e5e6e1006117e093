import type { NodeName } from '../brands.js';
import type { Policy, Share } from '../policy.js';
import type { NodeDeclaration } from '../topology.js';

/** The canary (first) and the waves, each in order of switching. */
export type CohortPlan = readonly (readonly NodeName[])[];

/** A share of `of` nodes, rounded up; a count as it is; never more than there are. */
export function shareOf(share: Share, of: number): number {
  // Multiply before dividing: 7 % of 100 must be 7, and 0.07 * 100 is 7.000000000000001.
  return 'count' in share ? Math.min(share.count, of) : Math.min(of, Math.ceil((share.percent * of) / 100));
}

/** How many nodes may be unavailable at once: `max(1, floor(share))`, or the count. */
export function maxUnavailable(share: Share, nodes: number): number {
  return 'count' in share ? Math.max(1, share.count) : Math.max(1, Math.floor((share.percent * nodes) / 100));
}

/** Deals the nodes out over (region, pool), so that neighbours in the order are apart; stable for equal input. */
function spread(nodes: readonly NodeDeclaration[]): NodeDeclaration[] {
  const piles = new Map<string, NodeDeclaration[]>();
  for (const node of [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const key = `${node.region}\n${node.pool}`;
    piles.set(key, [...(piles.get(key) ?? []), node]);
  }
  const dealt: NodeDeclaration[] = [];
  const order = [...piles.keys()].sort();
  for (let round = 0; dealt.length < nodes.length; round++) {
    for (const key of order) {
      const node = piles.get(key)?.[round];
      if (node !== undefined) dealt.push(node);
    }
  }
  return dealt;
}

/** Nodes of which the canary never has all, unless it is one. */
export const groupOf = (node: NodeDeclaration): string => `${node.pool}\n${[...node.roles].sort().join(',')}`;

/** Whether a node may serve what nobody has approved yet. */
export const mayBeCanary = ({ canary }: Pick<NodeDeclaration, 'canary'>): boolean => canary !== 'forbidden';

/** How many nodes a plan names as its canary's proof. */
const MOST_PROOF = 20;

/** The nodes of the canary of which one at least has to serve what people are asked about: those that sign, or where none does, any. */
export function canaryProof([canary = []]: CohortPlan, nodes: readonly NodeDeclaration[]): readonly NodeName[] {
  const signers = new Set(nodes.filter(({ roles }) => roles.includes('signer')).map(({ name }) => name));
  const signing = canary.filter((name) => signers.has(name));
  return (signing.length > 0 ? signing : canary).slice(0, MOST_PROOF);
}

/**
 * The canary holds `max(images x perImage, ceil(share))` nodes: of every golden image, one that may sign where there is one, and
 * never all holders of a pool's role unless the role has a single holder. Then waves of the nodes left, rounded up, empty ones dropped;
 * what the shares leave over joins the last wave.
 */
export function planCohorts(nodes: readonly NodeDeclaration[], policy: Policy): CohortPlan {
  const order = spread(nodes);
  const holders = new Map<string, number>();
  for (const node of order) holders.set(groupOf(node), (holders.get(groupOf(node)) ?? 0) + 1);
  const images = [...new Set(order.map((node) => node.image))].sort();
  const size = Math.min(
    order.length,
    Math.max(images.length * policy.cohorts.canary.perImage, shareOf(policy.cohorts.canary.share, order.length)),
  );

  const canary = new Set<NodeDeclaration>();
  const taken = new Map<string, number>();
  const mayTake = (node: NodeDeclaration): boolean => {
    if (!mayBeCanary(node)) return false;
    const all = holders.get(groupOf(node)) ?? 0;
    return all === 1 || (taken.get(groupOf(node)) ?? 0) + 1 < all;
  };
  const take = (node: NodeDeclaration): void => {
    canary.add(node);
    taken.set(groupOf(node), (taken.get(groupOf(node)) ?? 0) + 1);
  };
  const pick = (fits: (node: NodeDeclaration) => boolean, limit: number): void => {
    let picked = 0;
    for (const node of order) {
      if (picked >= limit || canary.size >= size) return;
      if (!canary.has(node) && fits(node) && mayTake(node)) {
        take(node);
        picked += 1;
      }
    }
  };
  pick((node) => node.roles.includes('signer'), 1);
  for (const image of images) {
    const have = [...canary].filter((node) => node.image === image).length;
    pick((node) => node.image === image, policy.cohorts.canary.perImage - have);
  }
  pick(() => true, size - canary.size);
  // A mesh so small that the rule about holders leaves no canary at all still needs one.
  const able = order.find(mayBeCanary);
  if (canary.size === 0 && able !== undefined) take(able);

  const left = order.filter((node) => !canary.has(node));
  const waves: NodeDeclaration[][] = [];
  let start = 0;
  for (const share of policy.cohorts.waves) {
    const wave = left.slice(start, start + shareOf(share, left.length));
    start += wave.length;
    if (wave.length > 0) waves.push(wave);
  }
  const rest = left.slice(start);
  if (rest.length > 0) {
    const last = waves.at(-1);
    if (last === undefined) waves.push(rest);
    else last.push(...rest);
  }
  return [[...canary], ...waves].map((wave) => wave.map((node) => node.name));
}
