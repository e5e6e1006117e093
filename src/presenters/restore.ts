import { shortDigest } from './digest.js';
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

export function restoreText({ restores }: RestoresView): readonly string[] {
  return restores.flatMap((one) => [
    ...(one.outcome === 'done' ? doneText(one) : troubleText(one)),
    ...one.retired.map((digest) => `  took manifest ${shortDigest(digest)} away; it lies in the node's quarantine`),
    ...one.kept.map(({ manifest, reason }) => `  kept manifest ${shortDigest(manifest)}: ${reason}`),
  ]);
}

function doneText({ node, line, manifest, before }: RestoreResult): readonly string[] {
  const digest = shortDigest(manifest);
  if (before === manifest)
    return [`${node} had what is in force on ${line} active (manifest ${digest}); it is whole, and probes passed in a row`];
  return [
    `${node} serves what is in force on ${line}: manifest ${digest}; before it was ${before === null ? 'nothing' : shortDigest(before)}`,
  ];
}

const troubleText = (one: RestoreResult): readonly string[] => [
  `${one.node} is not back on ${one.line}: ${one.reason || `${one.at} ${one.outcome}`}`,
  `  ${servesText(one)}`,
];

function servesText({ at, active }: RestoreResult): string {
  if (active !== null) return `it serves manifest ${shortDigest(active)}`;
  return at === 'inspect' ? 'what it serves is not known' : 'it served nothing when it was last read';
}
