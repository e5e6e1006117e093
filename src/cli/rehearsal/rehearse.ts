import { startService } from '../../api/service.js';
import { loadConfiguration } from '../../configuration/load.js';
import type { NodeActivities } from '../../../activities/node/contract.js';
import type { Instant } from '../../domain/brands.js';
import { waitsOf } from '../../domain/rehearsal/compress.js';
import type { Rehearsal } from '../../domain/rehearsal/rehearsal.js';
import type { RehearsedRun } from '../../domain/rehearsal/run.js';
import type { HistoryEvent } from '../../domain/rotation/history.js';
import type { Outcome } from '../../domain/rotation/phases.js';
import { parseManifest } from '../../manifest/parse.js';
import { announcement, suffering, type Fail } from '../../simulator/mesh/faults.js';
import { seedNodes } from '../../simulator/mesh/seed.js';
import { createRehearsalMesh, type RehearsalMesh } from '../../simulator/rehearsal/create.js';
import { recordSteps } from '../../simulator/rehearsal/recorder.js';
import { openSurroundings } from '../../temporal/surroundings.js';
import { situationOf } from '../../../activities/rotation/surroundings.js';
import { addNextAliases, hasSidecar, startDemoSidecar, stopDemoSidecar } from '../demo/sidecar.js';
import { perform, type Scene, type Stage } from './performance.js';
import { faultSite, startAllBuilders, type RehearsedSite } from './site.js';
import type { TeamLine } from './team.js';

export interface RehearsalRequest {
  readonly line: TeamLine;
  /** By how much waits are divided. */
  readonly factor: number;
  /** Where the first of two rotations fails; null: there is only one, and it completes. */
  readonly fail: Fail | null;
  /** An empty folder of the rehearsal's own. */
  readonly home: string;
  /** Runs `reseal`: the script's path. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
  readonly onRun: (fault: string | null) => void;
  readonly onEvent: (event: HistoryEvent) => void;
}

/** Rehearses on a mesh of its own; nothing outside of its folder is written to. Null when it was interrupted. */
export async function rehearse(request: RehearsalRequest): Promise<Rehearsal | null> {
  const { line, home, signal, factor, onProgress } = request;
  const { forecast, team, from, known } = line;
  const began = Date.now();
  const interrupted = (): boolean => signal.aborted;
  const standIns = standInsFor(line);
  onProgress(`making ${forecast.nodes.length} simulated nodes that stand for those of ${forecast.line}`);
  const mesh = await createRehearsalMesh({ folder: home, team, line: forecast.line, from, known, at: forecast.at, now: began, factor, standIns }); // prettier-ignore
  await mesh.offer('first');
  if (interrupted()) return null;
  try {
    if (hasSidecar(home)) await startDemoSidecar(home, request.program, request.env);
    const site = await seeded(mesh, line, home);
    if (interrupted()) return null;
    if (hasSidecar(home)) addNextAliases(home);
    const seen = await performAll(request, mesh, site);
    if (seen === null) return null;
    const { runs, builds } = seen;
    return { forecast, inForce: line.fromDigest, factor, began, ended: Date.now(), newCertificates: mesh.newCertificates, standIns, runs, builds }; // prettier-ignore
  } finally {
    await stopDemoSidecar(home);
  }
}

/** Where the roster has too few who may approve, others stand in, so that what follows is rehearsed too; the finding stays. */
function standInsFor({ forecast: { approvers, policy } }: TeamLine): readonly string[] {
  const missing = Math.max(0, policy.gate.approvals - approvers.length);
  return Array.from({ length: missing }, (_, index) => `stand-in-${index + 1}`);
}

/** Puts what is in force on every node, as on nodes that have always followed the line. */
async function seeded(mesh: RehearsalMesh, { forecast }: TeamLine, home: string): Promise<RehearsedSite> {
  const { folders, manifest } = mesh;
  const around = await openSurroundings(folders.config, home);
  try {
    const configuration = loadConfiguration(folders.config);
    const { store } = situationOf(around, forecast.line);
    await seedNodes(configuration, store, around.profiles, forecast.line, manifest);
    return {
      configuration,
      line: forecast.line,
      manifest: parseManifest(await store.manifest(manifest), `manifests/${manifest}.json`),
      cohorts: forecast.cohorts,
      maxUnavailable: forecast.mesh.maxUnavailable,
      nodesFolder: folders.nodes,
    };
  } finally {
    await around.close();
  }
}

async function performAll(
  { line: { forecast }, home, env, fail, signal, onProgress, onEvent, onRun }: RehearsalRequest,
  mesh: RehearsalMesh,
  site: RehearsedSite,
): Promise<Pick<Rehearsal, 'runs' | 'builds'> | null> {
  const recorder = recordSteps();
  const runs: RehearsedRun[] = [];
  const broken = fail === null ? null : faultSite(site, fail);
  const service = await startService({
    folder: mesh.folders.config,
    home,
    parts: ['api', 'worker'],
    env,
    onProgress,
    decorate: (nodes) =>
      recorder.recording(broken === null ? nodes : suffersIn(nodes, suffering(nodes, fail, broken), () => runs.length === 0)),
  });
  const builders = startAllBuilders(site);
  try {
    const stage: Stage = { service, recorder, offset: forecast.at - Date.now(), signal, onEvent };
    const scene = {
      line: forecast.line,
      cohorts: forecast.cohorts,
      patience: patienceOf(forecast.nodes.length, waitsOf(site.configuration.policy)),
    };
    if (fail !== null && broken !== null) {
      const fault = announcement(fail, broken, 'one of those who sign off');
      const failing: Scene = {
        ...scene,
        fault,
        expected: turnedBack(forecast),
        signoff: fail === 'signoff-rejected' ? 'reject' : 'approve',
      };
      onRun(fault);
      const run = await perform(stage, failing);
      if (run === null) return null;
      runs.push(run);
      // One that came to no end has the line still.
      if (run.outcome === null || run.outcome === 'escalated') return { runs, builds: await builders.stop() };
      await mesh.offer('second');
    }
    onRun(null);
    const run = await perform(stage, { ...scene, fault: null, expected: ['completed'], signoff: 'approve' });
    if (run === null) return null;
    return { runs: [...runs, run], builds: await builders.stop() };
  } finally {
    await builders.stop();
    await service.stop();
  }
}

/** Breaks for as long as the rotation lasts that is to fail, and no longer: what it did not come to is not broken in the next one. */
function suffersIn(well: NodeActivities, broken: NodeActivities, lasts: () => boolean): NodeActivities {
  return {
    ...well,
    stageNode: (order) => (lasts() ? broken : well).stageNode(order),
    switchNode: (order) => (lasts() ? broken : well).switchNode(order),
    probeNodes: (order) => (lasts() ? broken : well).probeNodes(order),
  };
}

/** New assets are only taken away from nodes whose old ones have some life left. */
const turnedBack = ({
  at,
  horizon,
  policy,
}: {
  readonly at: Instant;
  readonly horizon: Instant;
  readonly policy: TeamLine['forecast']['policy'];
}): readonly Outcome[] => (horizon - at >= policy.rollback.minLifeAfterRollback ? ['rolled-back'] : ['parked']);

/** Ten minutes, four times what is waited for, and four seconds a node: what takes longer hangs. */
const patienceOf = (nodes: number, waits: number): number => 600_000 + 4 * waits + nodes * 4_000;
