import { shortDigest } from '../short-digest.js';
import type { RestoreResult } from './restore.js';

/** What came of a restore, as people read it: the outcome, then what was taken away and what was kept, a line each. */
export const restoredLines = (one: RestoreResult): readonly string[] => [
  ...(one.outcome === 'done' ? doneText(one) : troubleText(one)),
  ...one.retired.map((digest) => `  took manifest ${shortDigest(digest)} away; it lies in the node's quarantine`),
  ...one.kept.map(({ manifest, reason }) => `  kept manifest ${shortDigest(manifest)}: ${reason}`),
];

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
