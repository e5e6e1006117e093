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

const short = (digest: string | null): string => (digest === null ? 'nothing' : digest.slice(0, 12));

export function restoreText({ restores }: RestoresView): readonly string[] {
  return restores.flatMap(({ node, line, manifest, before, active, outcome, at, reason, retired, kept }) => {
    const told =
      outcome === 'done' ? doneText(node, line, manifest, before) : `${node} is not back on ${line}: ${reason || `${at} ${outcome}`}`;
    const serves =
      outcome === 'done' ? [] : [`  it serves ${active === null ? 'nothing, as far as is known' : `manifest ${short(active)}`}`];
    return [
      told,
      ...serves,
      ...retired.map((digest) => `  took manifest ${short(digest)} away; it lies in the node's quarantine`),
      ...kept.map((one) => `  kept manifest ${short(one.manifest)}: ${one.reason}`),
    ];
  });
}

const doneText = (node: string, line: string, manifest: string, before: string | null): string =>
  before === manifest
    ? `${node} had what is in force on ${line} active (manifest ${short(manifest)}); it is whole, and probes passed in a row`
    : `${node} serves what is in force on ${line}: manifest ${short(manifest)}; before it was ${short(before)}`;
