import { hash } from 'node:crypto';
import type { World } from './world.js';

/**
 * What tells two worlds apart, as a digest. Left out is what never decides anything: constants, sentences, and the instants that only the
 * record shows. Tokens matter only as equal or not.
 */
export function keyOf(world: World): string {
  const { state, sleeper, under } = world;
  const { gate, question, paused, work, done, soak } = state;
  const nodes = world.nodes.map((node) => [
    node.name,
    node.files,
    node.identities,
    node.manifests,
    node.accepted,
    node.active,
    node.health,
    node.pin,
    node.fence?.epoch,
    node.fence?.token === sleeper?.fence.token,
  ]);
  const parts = [
    [world.now, world.head, world.faults, world.commands, world.given, world.troubledSinceTurn, nodes],
    [state.phase, state.since, state.d, state.plan !== null, done, state.headSeq, work, state.lookAgainAt, state.stalledSince],
    [state.lastSwitchAt, state.lastReturnAt, state.served, state.only, state.park, state.turnedAt, state.restoredAt !== null],
    state.troubles.map((trouble) => [trouble.node, trouble.task, trouble.outcome, trouble.locked?.then]),
    [
      (state.excluded ?? []).map(({ node, left }) => [node, left]),
      (state.exclusionsAsked ?? []).map(({ person, nodes: named, d }) => [person, named, d]),
    ],
    gate && [gate.kind, gate.deadline, gate.silence, gate.passedAt !== null],
    state.approvals.map((approval) => [approval.person, approval.digest]),
    question && [question.id, question.nodes, question.options, question.deadline, question.nextPageAt],
    paused && [paused.until, paused.because],
    soak && [soak.endsAt, soak.nextProbeAt],
    [world.builds, state.pins, state.emergency?.retried],
    under && [
      under.d,
      under.action,
      under.queue,
      under.results.map((result) => [result.node, result.outcome, result.locked?.then, result.pins]),
      under.retried,
    ],
    sleeper && [sleeper.node, sleeper.task, sleeper.left.length, sleeper.fence.epoch, sleeper.admitted],
  ];
  return hash('sha1', JSON.stringify(parts), 'base64');
}
