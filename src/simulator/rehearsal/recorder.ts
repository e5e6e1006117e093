import type { NodeActivities } from '../../../activities/node/contract.js';
import type { NodeName } from '../../domain/brands.js';
import { isReturn } from '../../domain/node/order.js';
import type { NodeResult } from '../../domain/node/report.js';
import type { NodeStep, StepKind } from '../../domain/rehearsal/run.js';

/** Writes down what nodes are told and what comes of it, in the order in which it happens. */
export interface StepRecorder {
  readonly recording: (nodes: NodeActivities) => NodeActivities;
  /** Of one rotation, as they began. */
  readonly stepsOf: (rotation: string) => readonly NodeStep[];
}

export function recordSteps(clock: () => number = Date.now): StepRecorder {
  const all: { readonly rotation: string; readonly step: NodeStep }[] = [];
  const note = (
    rotation: string,
    kind: StepKind,
    began: number,
    result: Pick<NodeResult, 'node' | 'outcome' | 'active' | 'reason' | 'passes'>,
  ): void => {
    const { node, outcome, active, reason, passes } = result;
    all.push({ rotation, step: { node, kind, began, ended: clock(), outcome, active, reason, passes: passes ?? null } });
  };
  const noteError = (rotation: string, kind: StepKind, began: number, node: NodeName, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    all.push({ rotation, step: { node, kind, began, ended: clock(), outcome: 'error', active: null, reason, passes: null } });
  };
  type Order = { readonly rotation: string; readonly node: NodeName };
  const noted =
    <O extends Order>(kindOf: (order: O) => StepKind, run: (order: O) => Promise<NodeResult>) =>
    async (order: O): Promise<NodeResult> => {
      const began = clock();
      try {
        const result = await run(order);
        note(order.rotation, kindOf(order), began, result);
        return result;
      } catch (error) {
        noteError(order.rotation, kindOf(order), began, order.node, error);
        throw error;
      }
    };
  return {
    recording: (nodes) => ({
      ...nodes,
      stageNode: noted(() => 'stage', nodes.stageNode),
      switchNode: noted((order) => (isReturn(order) ? 'switch-back' : 'switch'), nodes.switchNode),
      retireNode: noted(() => 'retire', nodes.retireNode),
      restoreNode: noted(() => 'restore', nodes.restoreNode),
      unstageNode: noted(() => 'unstage', nodes.unstageNode),
      probeNodes: async (order) => {
        const began = clock();
        const results = await nodes.probeNodes(order);
        for (const result of results) note(order.rotation, 'probe', began, result);
        return results;
      },
    }),
    stepsOf: (rotation) =>
      all.flatMap((one) => (one.rotation === rotation ? [one.step] : [])).toSorted((a, b) => a.began - b.began || a.ended - b.ended),
  };
}
