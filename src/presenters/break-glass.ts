import type { AuditHead } from '../domain/audit/record.js';
import { describeDistance } from '../domain/duration.js';
import type { GlassPlan, GlassResult, GlassSource } from '../domain/node/break-glass.js';
import { shortDigest } from '../domain/short-digest.js';

/** What came of a restore without the control plane. */
export interface BreakGlassView extends GlassResult {
  readonly schemaVersion: 1;
  readonly ticket: string;
  readonly by: string;
  /** The newest record of it, and the chain's folder. */
  readonly audit: (AuditHead & { readonly folder: string }) | null;
}

/** What is about to change, before anybody is asked. */
export function glassPlanText(
  { node, line, before, manifest, source, goodUntil, overtakes }: GlassPlan,
  reached: string,
  now: number,
): readonly string[] {
  const was = before === null ? 'nothing' : `manifest ${shortDigest(before)}`;
  const good =
    goodUntil === null ? 'this node needs no profile of it' : `the first of its assets expires ${describeDistance(goodUntil, now)}`;
  return [
    `${node} (${reached}), line ${line}, without the control plane:`,
    before === manifest
      ? `  serves     ${was}, which is checked, mended and probed`
      : `  serves     ${was}; it stays on the node, and builds that pinned it go on`,
    `  gets back  manifest ${shortDigest(manifest)}, ${PLACES[source.from](source)}; ${good}`,
    overtakes === null
      ? '  no order was ever admitted on this line'
      : `  the newest order it admitted is ${overtakes}; what else comes of that in the same direction is refused from then on`,
  ];
}

const PLACES: { readonly [From in GlassSource['from']]: (source: GlassSource) => string } = {
  node: () => 'which is on the node',
  quarantine: (source) => `out of its quarantine${source.from === 'quarantine' ? ` (${source.rotation})` : ''}`,
  store: () => 'from the store',
};

export function breakGlassText(view: BreakGlassView): readonly string[] {
  const { node, line, manifest, before, active, outcome, reason, audit } = view;
  const was = before === null ? 'nothing' : `manifest ${shortDigest(before)}`;
  const now = active === null ? 'nothing that is known' : `manifest ${shortDigest(active)}`;
  const told =
    outcome === 'done'
      ? `${node} serves manifest ${shortDigest(manifest)} on ${line}, and probes passed in a row; before it was ${was}`
      : `${node} on ${line}: ${outcome}. It serves ${now}. ${reason}`;
  return [
    told,
    audit === null
      ? 'This is in no audit chain: see the warnings.'
      : `Recorded up to record ${audit.seq} of ${audit.chain} in ${audit.folder}.`,
    `Once the control plane is back: turn the line back (reseal rotation rollback), or bring the node to what is in force (reseal node restore ${node}). Until somebody does, nothing does it by itself.`,
  ];
}
