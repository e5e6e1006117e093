import { renameSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { activeManifests, meshTruth, type NodeTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
afterEach(() => scenario.end());

/** A Mac that is gone, and how it comes back. */
function takeAway(node: string): () => void {
  const home = scenario.mesh.home(node);
  renameSync(home, `${home}.away`);
  return () => {
    renameSync(`${home}.away`, home);
  };
}

const inTrouble = (node: string): Promise<RotationStatus> =>
  scenario.mesh.untilStatus(({ troubles }) => troubles.some((one) => one.node === node), `${node} in trouble`);

/** The profiles alone. */
const installed = (truth: NodeTruth = {}): NodeTruth =>
  Object.fromEntries(Object.entries(truth).filter(([path]) => path.endsWith('.mobileprovision')));

// A home that is gone is no fault of a rotation, and builders would count it as one.
describe('nodes that people leave out (R9, R10, T2)', () => {
  it('one of the staging is never waited for again: a rejection brings the others back, and it is as it was', async () => {
    scenario = await startScenario({ builders: 'faulty' });
    const { mesh, before, interference } = scenario;
    const gone = 'ams-build-1';
    let back = (): void => undefined;
    interference.before = (operation, node) => {
      if (operation === 'stage' && node === gone) {
        interference.before = () => undefined;
        back = takeAway(gone);
      }
    };
    await mesh.rotate();
    expect((await inTrouble(gone)).commands).toContain('exclude');
    const status = await mesh.tell('exclude', 'ada', { nodes: [gone], reason: 'its disk is broken' });
    expect(status.excluded).toMatchObject([{ node: gone, left: 'before-switch', said: [{ person: 'ada', reason: 'its disk is broken' }] }]);
    const gate = await mesh.untilGate();
    expect(gate.gate.canary?.excluded).toMatchObject([{ node: gone }]);
    await mesh.tell('reject', 'grace');
    const end = await mesh.result();
    expect(end.outcome).toBe('rolled-back');
    expect(end.reasons).toContain(`without ${gone}, which people have left out`);
    back();
    expect(meshTruth(mesh)).toEqual(before);
  });

  it('of two that go away one after another in the waves, the second is left out only once two persons say so; the rotation completes on the others', async () => {
    scenario = await startScenario({ builders: 'faulty' });
    const { mesh, before, interference } = scenario;
    const gone: string[] = [];
    const back: (() => void)[] = [];
    await mesh.rotate();
    const { to } = await mesh.untilGate();
    interference.before = (operation, node, target) => {
      // One of every wave.
      const waves = new Set(interference.nodesOf('switch', to ?? ''));
      if (operation !== 'switch' || target !== to || gone.length > 1 || (gone.length === 1 && waves.size <= 4)) return;
      gone.push(node);
      back.push(takeAway(node));
    };
    await mesh.approve('ada', 'grace');
    await mesh.untilStatus(({ troubles }) => troubles.length > 0, 'the first in trouble');
    const [first = ''] = gone;
    await mesh.tell('exclude', 'ada', { nodes: [first] });
    await mesh.untilStatus(({ troubles }) => troubles.length > 0, 'the second in trouble');
    const [, second = ''] = gone;

    const asked = await mesh.tell('exclude', 'ada', { nodes: [second] });
    expect(asked).toMatchObject({ phase: 'rolling', exclusionsAsked: [{ node: second, by: ['ada'] }] });
    expect(asked.excluded?.map(({ node }) => node)).toEqual([first]);
    await expect(mesh.tell('exclude', 'ada', { nodes: [second] })).rejects.toThrow();
    const out = await mesh.tell('exclude', 'grace', { nodes: [second] });
    expect(out.excluded?.map(({ node }) => node)).toEqual([first, second]);

    const end = await mesh.result();
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(end.reasons).toEqual([`without ${first}, ${second}, which people have left out`]);
    for (const one of back) one();
    const active = activeManifests(mesh);
    expect(
      Object.entries(active)
        .filter(([node]) => !gone.includes(node))
        .map(([, digest]) => digest),
    ).toEqual(Array(4).fill(to));
    // Nothing was taken from those left out: builds there go on with the old assets.
    for (const node of gone) {
      expect(active[node]).toBe(mesh.mesh.manifest);
      expect(meshTruth(mesh)[node]).toMatchObject(installed(before[node]));
    }
    const events = await mesh.ledger.eventsAfter('ios-main-1', 0);
    expect(events.filter(({ kind }) => kind === 'exclusion').map(({ text, actor }) => [actor, text.split(/[:;]/)[0]])).toEqual([
      ['ada', `${first} is left out by ada`],
      ['ada', `ada asks to leave out ${second}`],
      ['grace', `${second} is left out by ada and grace`],
    ]);
  });
});
