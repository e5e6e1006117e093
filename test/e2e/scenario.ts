import { expect, vi } from 'vitest';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import type { Builders } from '../../src/simulator/builder.js';
import { Interference } from './interference.js';
import { meshTruth } from './node-truth.js';
import { RotatingMesh, type RotatingMeshRequest } from './rotating-mesh.js';

// Scenarios wait for conditions with deadlines of their own; a machine that is busy with others takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** The longest build, and how long the builders of a scenario take at most before they read what they were told. */
const LONGEST_BUILD = 1_500;
const BUILDER_WAIT = 300;

export interface Scenario {
  readonly mesh: RotatingMesh;
  readonly interference: Interference;
  /** Node truth before the rotation. */
  readonly before: ReturnType<typeof meshTruth>;
  readonly builders: Builders;
  /** Ends the builders, who must have found nothing missing all the time, and the mesh. */
  end(): Promise<void>;
}

export type ScenarioRequest = Omit<RotatingMeshRequest, 'nodes'> & {
  readonly nodes?: number;
  /** `faulty`: the scenario itself damages what builders read. Default: builders find no fault. */
  readonly builders?: 'flawless' | 'faulty';
};

/** A rotation up to its gate, and back: every node is as it was before. */
export async function rotateAndBack({ mesh, before }: Scenario): Promise<void> {
  await mesh.rotate();
  await mesh.untilGate();
  await mesh.tell('reject', 'ada');
  expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
  expect(meshTruth(mesh)).toEqual(before);
}

/** A mesh of six nodes (two in the canary), with a job running on each of them all the time. */
export async function startScenario(request: ScenarioRequest = {}): Promise<Scenario> {
  const { nodes = 6, builders: expected = 'flawless', policy, ...rest } = request;
  const interference = new Interference();
  const mesh = await RotatingMesh.start({
    ...rest,
    nodes: simulatedNodes(nodes),
    decorate: interference.decorate,
    policy: {
      cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '30s' },
      retirement: { secondGate: false, maxBuildDuration: `${LONGEST_BUILD}ms`, overduePinPageEvery: '1m' },
      ...policy,
    },
  });
  const builders = mesh.startBuilders(BUILDER_WAIT);
  return {
    mesh,
    interference,
    before: meshTruth(mesh),
    builders,
    end: async () => {
      const { checks, failures, builds, late } = await builders.stop();
      await mesh.stop();
      if (expected === 'faulty') return;
      expect(failures).toEqual([]);
      expect(checks).toBeGreaterThan(0);
      expect(late).toBeLessThan(builds / 2);
    },
  };
}
