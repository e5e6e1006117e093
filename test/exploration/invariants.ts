import type { Fence } from '../../src/domain/node/order.js';
import { changes, type HistoryEvent } from '../../src/domain/rotation/history.js';
import { isLegalTransition, isTerminal } from '../../src/domain/rotation/phases.js';
import { FROM, TO, type ModelNode } from './node-model.js';
import { byOnePerson, goesOnWithout } from '../../src/domain/rotation/exclusions.js';
import { isEmergency } from '../../src/domain/rotation/emergency.js';
import { ELIGIBLE, REQUESTER, type World } from './world.js';

/** The invariants of rotation.md that a single world or a single move can break. Each answers what is wrong, or null. */
export const INVARIANTS: Readonly<Record<string, (before: World, after: World) => string | null>> = {
  '1 coverage: what a node accepts it has': (_, world) => {
    const bare = world.nodes.find((node) => node.accepted.some((manifest) => lacks(node, manifest) && !brokenByFate(node, manifest)));
    return bare === undefined ? null : `${bare.name} accepts what it does not have`;
  },
  '1 coverage: what is active is accepted': (_, world) => {
    const bare = world.nodes.find((node) => !node.accepted.includes(node.active));
    return bare === undefined ? null : `${bare.name} serves ${bare.active} without accepting it`;
  },
  '2 retire last: no old asset goes before cutover, and not while it is needed': (before, after) => {
    const gone = after.nodes.find((node) => lostAnything(wasOf(before, node), node, FROM));
    if (gone === undefined) return null;
    // An order to retire that nobody has overtaken may wake late; it is still the retirement's.
    const retiring = before.state.phase === 'retiring' || before.state.turnedAt === 'retiring';
    // Past the horizon it is dead, and a rotation that was told to go on needs it no more.
    const dead = after.now >= (after.state.plan?.horizon ?? Number.POSITIVE_INFINITY);
    return (retiring || dead) && gone.active === TO ? null : `${gone.name} lost the old asset while ${before.state.phase}`;
  },
  '2 retire last: nothing goes that a build holds, unless people or the calendar say so': (before, after) => {
    const gone = after.nodes.find((node, index) => {
      const was = before.nodes[index];
      if (was?.pin === null || was?.pin === undefined || node.pin !== was.pin) return false;
      // What fate has broken serves no build any more, and may go.
      const broken = brokenByFate(node, was.pin.manifest) || was.files[was.pin.manifest] !== 'ok';
      return lostAnything(was, node, was.pin.manifest) && !broken;
    });
    if (gone === undefined) return null;
    const dead = after.now >= (after.state.plan?.horizon ?? Number.POSITIVE_INFINITY);
    // What lay in quarantine or was half away when the build began is no longer whole, and not to be pinned.
    return dead || before.state.pins?.orders === 'ignore' || before.under?.action.pins === 'ignore'
      ? null
      : `${gone.name} lost ${gone.pin?.manifest ?? ''} while ${before.state.phase}, and a build holds it`;
  },
  '3 digest fidelity: nothing is accepted that was not read back': (before, after) => {
    const blind = after.nodes.find((node) => {
      const accepted = node.accepted.filter((manifest) => wasOf(before, node)?.accepted.includes(manifest) !== true);
      return accepted.some((manifest) => node.files[manifest] !== 'ok' || node.identities[manifest] !== true);
    });
    return blind === undefined ? null : `${blind.name} accepted bytes that are not what was approved`;
  },
  '4 dual control: nobody beyond the canary switches with fewer than two approvals': (before, after) => {
    // Without waves beyond the canary the rotation settles in cutover at once.
    const isBeyond = ({ state: { phase } }: World): boolean => phase === 'rolling' || phase === 'cutover';
    if (isBeyond(before) || !isBeyond(after) || before.state.phase === 'escalated') return null;
    const real = deciding(after);
    return real.length >= 2 ? null : `the gate opened for ${real.join(', ') || 'nobody'}`;
  },
  '4 dual control: an emergency changes no node with fewer than two approvals': (before, after) => {
    if (!isEmergency(after.state) || before.state.phase !== 'preflight' || after.state.phase !== 'staging') return null;
    const real = deciding(after);
    return real.length >= 2 ? null : `the emergency began on the nodes for ${real.join(', ') || 'nobody'}`;
  },
  'forward only: no emergency turns back, and none ends with the revoked assets in use again': (
    { state: before, nodes },
    { state, nodes: now },
  ) => {
    if (!isEmergency(state)) return null;
    if (['rolling-back', 'rolled-back', 'parked'].includes(state.phase)) return `${before.phase} led to ${state.phase}`;
    const back = now.find((node) => node.active === FROM && nodes.find((one) => one.name === node.name)?.active === TO);
    return back === undefined ? null : `${back.name} went back to what was revoked`;
  },
  'forward only: an emergency takes nothing away before every node was seen to serve the new assets': (before, after) => {
    if (!isEmergency(after.state)) return null;
    const gone = after.nodes.find((node) => lostAnything(wasOf(before, node), node, FROM));
    if (gone === undefined || before.state.phase === 'retiring' || before.state.turnedAt === 'retiring') return null;
    // An order to retire that nobody has overtaken may wake late.
    return before.sleeper?.task === 'retire' ? null : `${gone.name} lost the old asset while ${before.state.phase}`;
  },
  'forward only: silence decides nothing in an emergency': (_, { state: { question, ...state } }) =>
    isEmergency(state) &&
    question !== null &&
    (question.deadline !== null || question.unanswered !== 'stays' || (question.options as readonly string[]).includes('rollback'))
      ? `${question.id} would be unanswered with ${question.unanswered}`
      : null,
  '4 dual control: no old asset is retired behind a second gate with fewer than two approvals': (before, after) => {
    if (before.state.phase !== 'awaiting-retirement' || after.state.phase !== 'retiring') return null;
    const real = after.given.filter((person) => ELIGIBLE.includes(person));
    return real.length >= 2 || after.now >= (after.state.plan?.horizon ?? 0)
      ? null
      : `the second gate opened for ${real.join(', ') || 'nobody'}`;
  },
  '4 dual control: no more nodes are left out than one person may leave out, unless two persons name each': (_, { state }) => {
    const beyond = (state.excluded ?? []).slice(byOnePerson(state));
    const single = beyond.find(({ said }) => new Set(said.map(({ person }) => person)).size < 2);
    return single === undefined ? null : `${single.node} is left out by one person`;
  },
  '8 blast radius: whom people leave out is in trouble, and nothing more is done to it on the way forward': (before, after) => {
    const known = before.state.troubles.map(({ node }) => node);
    const well = (after.state.excluded ?? []).find((one) => before.state.excluded?.includes(one) !== true && !known.includes(one.node));
    if (well !== undefined) return `${well.node} was left out and was well`;
    if (before.under === null || after.under === null || before.under.action.task === 'unstage') return null;
    const begun = before.under.queue[0];
    return begun !== undefined && after.under.queue[0] !== begun && before.under.action.except.includes(begun)
      ? `${begun} was treated`
      : null;
  },
  '5 no replay: an approval counts once, for the gate it was given at, and for this digest': (_, { state, given }) => {
    const people = state.approvals.map((approval) => approval.person);
    const twice = people.find((person, index) => people.indexOf(person) !== index);
    if (twice !== undefined) return `${twice} counts twice`;
    const other = state.approvals.find((approval) => !given.includes(approval.person) || approval.digest !== TO);
    return other === undefined ? null : `${other.person} counts for what was not approved at this gate`;
  },
  '6 one writer: an order or attempt that was overtaken changes nothing': (before, after) => {
    if (before.sleeper === null || after.sleeper !== null || after.state !== before.state || after.under !== before.under) return null;
    const { node, fence, admitted } = before.sleeper;
    const was = before.nodes.find((one) => one.name === node);
    const is = after.nodes.find((one) => one.name === node);
    // One that was admitted owns the line until anybody else is; a late one finds that the line has gone to its own retry, or further, or, of a run that was
    // terminated, that nobody has spoken to the node since.
    const stale = admitted ? was?.fence?.token !== fence.token : isNewer(was?.fence ?? null, fence);
    return stale && JSON.stringify(was) !== JSON.stringify(is) ? `${node} was changed by an order that had been overtaken` : null;
  },
  '6 one writer: phases follow the diagram': (before, after) =>
    before.state.phase === after.state.phase || reachable(before.state.phase, after.state.phase)
      ? null
      : `${before.state.phase} to ${after.state.phase}`,
  '7 rollback safety: the new asset goes only where the old one is back': (before, after) => {
    const gone = after.nodes.find(
      (node) => (node.files[TO] === 'gone' && wasOf(before, node)?.files[TO] !== 'gone') || lostIdentity(wasOf(before, node), node, TO),
    );
    return gone === undefined || (gone.active === FROM && gone.files[FROM] === 'ok' && gone.identities[FROM] === true)
      ? null
      : `${gone.name} lost the new asset without having the old one`;
  },
  '8 blast radius: unhealthy and unproven nodes stay within the allowance': (_, world) => {
    const allowed = world.state.plan?.maxUnavailable ?? 0;
    if (world.state.phase !== 'canary' && world.state.phase !== 'rolling') return null;
    // What serves the new assets and was counted as done must do well with them.
    const wrong = waitedFor(world).filter((node) => node.active === TO && node.health !== 'good' && node.files[TO] === 'ok');
    return wrong.length <= allowed ? null : `${wrong.map((node) => node.name).join(', ')} serve assets that do not work there`;
  },
  '8 blast radius: the canary is done only when every node in it serves the new assets': (before, after) => {
    if (before.state.phase !== 'canary' || after.state.phase !== 'awaiting-signoff') return null;
    const canary = after.nodes.slice(0, after.state.plan?.waves[0] ?? 0);
    if (!canary.some((node) => node.active === TO)) return 'no node of the canary serves the new assets';
    const wrong = waitedFor(after).find((node) => canary.includes(node) && node.active !== TO);
    return wrong === undefined ? null : `${wrong.name} counts as switched in the canary and serves the old assets`;
  },
  '4 and 8: no node is taken for proven that is not': (_, world) => {
    if (!['cutover', 'soaking', 'retiring', 'completed'].includes(world.state.phase)) return null;
    const wrong = waitedFor(world).find((node) => node.active === TO && node.health !== 'good');
    return wrong === undefined ? null : `${wrong.name} counts as proven and is ${wrong.health}`;
  },
  '9 liveness: a way back on which nothing goes wrong ends rolled back or parked': (before, after) => {
    if (before.state.phase !== 'rolling-back' || after.state.phase !== 'escalated' || after.troubledSinceTurn) return null;
    // Past the horizon there is nothing to go back to.
    if (after.now >= (after.state.plan?.horizon ?? 0)) return null;
    return `escalated with ${after.state.question?.id ?? 'no question'}: ${after.state.troubles.map((one) => `${one.node} ${one.reason}`).join('; ')}`;
  },
  '10 record: no node and no head changes before the rotation has that step on its record': (before, after) => {
    // What a sleeper does when it wakes was begun when it fell asleep.
    if (before.sleeper !== after.sleeper && after.sleeper === null) return null;
    const { staged, switched, retired } = before.state.done;
    const changed = (fits: (is: ModelNode, was: ModelNode) => boolean): ModelNode | undefined =>
      after.nodes.find((is) => fits(is, wasOf(before, is) ?? is));
    const effects: readonly (readonly [string, ModelNode | undefined, boolean])[] = [
      ['was staged', changed((is, was) => is.files[TO] !== 'gone' && was.files[TO] === 'gone'), staged !== 'no'],
      ['was switched', changed((is, was) => is.active === TO && was.active !== TO), switched.some((reached) => reached !== 'no')],
      ['lost the old asset', changed((is, was) => is.files[FROM] === 'gone' && was.files[FROM] !== 'gone'), retired !== 'no'],
    ];
    const unrecorded = effects.find(([, node, begun]) => node !== undefined && !begun);
    if (unrecorded !== undefined) return `${unrecorded[1]?.name ?? ''} ${unrecorded[0]} and the record does not say that it was begun`;
    return after.head.digest === TO && before.head.digest !== TO && after.state.done.head === 'no'
      ? 'the head moved and the record does not say that it was begun'
      : null;
  },
  '10 record: phases, questions, approvals and pauses have their line in the record': (before, after) => {
    if (before.state === after.state) return null;
    const facts = changes(before.state, after.state);
    const told = (kind: HistoryEvent['kind'], fits: (data: Readonly<Record<string, unknown>>) => boolean = () => true): boolean =>
      facts.some((fact) => fact.kind === kind && fits(fact.data));
    const { phase, question, approvals, paused } = after.state;
    if (phase !== before.state.phase && !told(isTerminal(phase) ? 'outcome' : 'phase', ({ to }) => to === phase))
      return `nobody is told of ${phase}`;
    if (question !== null && question.id !== before.state.question?.id && !told('question', ({ id }) => id === question.id))
      return `nobody is told of the question ${question.id}`;
    const out = (after.state.excluded ?? []).find((one) => before.state.excluded?.includes(one) !== true);
    if (out !== undefined && !told('exclusion', ({ node }) => node === out.node)) return `nobody is told that ${out.node} is left out`;
    const silent = approvals.find(
      (approval) => !before.state.approvals.includes(approval) && !told('approval', ({ person }) => person === approval.person),
    );
    if (silent !== undefined) return `nobody is told of the approval of ${silent.person}`;
    return paused !== null && before.state.paused === null && !told('pause') ? 'nobody is told of the pause' : null;
  },
  'rolled back means rolled back': (_, world) => {
    const { phase } = world.state;
    if (phase !== 'rolled-back' && phase !== 'parked') return null;
    const notBack = (world.state.excluded ?? []).flatMap(({ node, left }) => (left === 'on-the-way-back' ? [node] : []));
    const wrong = world.nodes.find(
      (node) => !notBack.includes(node.name) && (node.active !== FROM || node.files[FROM] !== 'ok' || node.identities[FROM] !== true),
    );
    if (wrong !== undefined) return `${wrong.name} does not serve the old assets in ${phase}`;
    return world.head.digest === TO ? `the head of the line is still the new manifest in ${phase}` : null;
  },
  'completed means completed': (_, world) => {
    if (world.state.phase !== 'completed') return null;
    const wrong = waitedFor(world).find(
      (node) => node.active !== TO || node.files[FROM] === 'ok' || node.identities[FROM] === true || node.accepted.includes(FROM),
    );
    return wrong === undefined
      ? world.head.digest === TO
        ? null
        : 'the head is not the new manifest'
      : `${wrong.name} is not on the new assets alone`;
  },
};

/** All but those that people have left out. */
const waitedFor = ({ nodes, state }: World): readonly ModelNode[] => nodes.filter((node) => !goesOnWithout(state).includes(node.name));
/** Whose approvals were given at this gate and count: who started an emergency may be one of them. */
const deciding = ({ state, given }: World): readonly string[] =>
  given.filter((person) => ELIGIBLE.includes(person) || (isEmergency(state) && person === REQUESTER));

/** The same node before; its place in the cohort plan may be another one since. */
const wasOf = (before: World, node: ModelNode): ModelNode | undefined => before.nodes.find((one) => one.name === node.name);

const isNewer = (current: ModelNode['fence'], { epoch, sentAt, attempt }: Fence): boolean =>
  current !== null &&
  (current.epoch !== epoch ? current.epoch > epoch : current.sentAt !== sentAt ? current.sentAt > sentAt : current.attempt > attempt);

const lostIdentity = (was: ModelNode | undefined, is: ModelNode, manifest: string): boolean =>
  is.identities[manifest] !== true && was?.identities[manifest] === true;

const lostAnything = (was: ModelNode | undefined, is: ModelNode, manifest: string): boolean =>
  (is.files[manifest] !== 'ok' && was?.files[manifest] === 'ok') || lostIdentity(was, is, manifest);

const lacks = (node: ModelNode, manifest: string): boolean =>
  node.files[manifest] !== 'ok' || node.identities[manifest] !== true || node.manifests[manifest] !== true;
/** A flipped byte is no doing of reseal's. */
const brokenByFate = (node: ModelNode, manifest: string): boolean =>
  node.files[manifest] === 'bad' && node.identities[manifest] === true && node.manifests[manifest] === true;

/** Settling may take several arrows at once. */
function reachable(from: World['state']['phase'], to: World['state']['phase'], depth = 4): boolean {
  if (isLegalTransition(from, to)) return true;
  if (depth === 0 || isTerminal(from)) return false;
  return VIA.some((middle) => isLegalTransition(from, middle) && reachable(middle, to, depth - 1));
}
const VIA = [
  'canary',
  'awaiting-signoff',
  'rolling',
  'cutover',
  'soaking',
  'awaiting-retirement',
  'retiring',
  'rolling-back',
  'escalated',
] as const;
