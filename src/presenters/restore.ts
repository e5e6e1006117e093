import { restoredLines } from '../domain/node/restore-text.js';
import type { RestoreResult, RestoreTask } from '../domain/node/restore.js';

/** How a restore of one node on one line stands. */
export type RestoreStandingView = { readonly schemaVersion: 1; readonly node: string; readonly line: string } & (
  { readonly state: 'running'; readonly task: RestoreTask } | { readonly state: 'ended'; readonly result: RestoreResult }
);

/** What came of all that a person asked for. */
export interface RestoresView {
  readonly schemaVersion: 1;
  readonly restores: readonly RestoreResult[];
}

/** What a restore is at, as people say it. */
export const TASKS: Readonly<Record<RestoreTask, string>> = {
  inspect: 'reading what is there',
  stage: 'bringing what is in force',
  switch: 'switching, and probing until it passes in a row',
  retire: 'taking away what is not in force',
};

export const restoreText = ({ restores }: RestoresView): readonly string[] => restores.flatMap(restoredLines);
