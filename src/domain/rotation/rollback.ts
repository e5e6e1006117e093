import type { Phase } from './phases.js';
import type { Done } from './state.js';

/** One step of bringing the mesh back. `return`: `from` active again and probed; `wave` null: wherever it is needed. */
export type RollbackStep =
  | { readonly do: 'restore' }
  | { readonly do: 'return-head' }
  | { readonly do: 'return'; readonly wave: number }
  | { readonly do: 'unstage' };

/**
 * The exact reverse of what was really begun: old assets restored and verified, the head, the cohorts from the last one begun to the
 * canary, and only then the new assets taken away. A store that does not take the head in time is no reason to leave nodes on assets
 * that fail: builds read the node. Then the head comes after the cohorts, and still before anything is taken away. Each step done takes
 * itself off `done` (`undo`), so the plan of what is left follows from what is left, after a crash too.
 */
export function rollbackPlan(done: Done): readonly RollbackStep[] {
  const returns = done.switched.flatMap((reached, wave): RollbackStep[] => (reached === 'no' ? [] : [{ do: 'return', wave }])).reverse();
  return [
    ...(done.retired === 'no' ? [] : [{ do: 'restore' } as const]),
    ...(done.head === 'begun' || done.head === 'done' ? [{ do: 'return-head' } as const] : []),
    ...returns,
    ...(done.head === 'put-off' ? [{ do: 'return-head' } as const] : []),
    ...(done.staged === 'no' ? [] : [{ do: 'unstage' } as const]),
  ];
}

/** `done` after a step of the plan has succeeded wherever a node could be reached. */
export function undo(done: Done, step: RollbackStep): Done {
  switch (step.do) {
    case 'restore':
      return { ...done, retired: 'no' };
    case 'return-head':
      return { ...done, head: 'no' };
    case 'return':
      return { ...done, switched: done.switched.map((reached, wave) => (wave === step.wave ? 'no' : reached)) };
    case 'unstage':
      return { ...done, staged: 'no' };
  }
}

/** Whether the nodes had their turn on the way back, and only the store keeps the rotation: it may be away for long, and a node come back meanwhile. */
export const isWaitingForHead = ({ phase, done }: { readonly phase: Phase; readonly done: Done }): boolean =>
  phase === 'rolling-back' && done.head === 'put-off' && rollbackPlan(done)[0]?.do === 'return-head';
