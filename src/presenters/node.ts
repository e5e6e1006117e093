import type { Instant } from '../domain/brands.js';
import type { NodePins } from '../domain/node/pins.js';
import type { CheckResult } from '../domain/node/probe.js';
import type { IdentitySummary, NodeReport } from '../domain/node/report.js';
import type { NodeDeclaration, Reach } from '../domain/topology.js';

/** A node as declared, with what was last read off it. */
export interface NodeView {
  readonly name: string;
  readonly region: string;
  readonly pool: string;
  readonly roles: readonly string[];
  readonly environment: string;
  readonly image: string;
  readonly keys: string;
  readonly reach: string;
  readonly lines: readonly NodeLineView[];
}

export interface NodeLineView {
  readonly line: string;
  readonly verdict: 'pass' | 'fail' | 'inconclusive' | 'unreachable' | 'unknown';
  readonly active: string | null;
  /** Whether `active` is the head of the line. */
  readonly onHead: boolean | null;
  readonly accepted: readonly string[];
  readonly epoch: number | null;
  readonly seenAt: string | null;
  readonly problems: readonly CheckResult[];
  /** Every check, where they were asked for. */
  readonly checks?: readonly CheckResult[];
  readonly findings: readonly string[];
  /** Digests and a count, for log indexes; no names and no fingerprints. */
  readonly identities: IdentitySummary | null;
  /** Builds that hold a manifest here; null: not known. */
  readonly pins: readonly PinView[] | null;
  readonly reason: string;
}

export interface PinView {
  readonly job: string;
  readonly pipeline: string | null;
  readonly manifest: string;
  readonly expires: string;
  /** It was to be over by the time of the report. */
  readonly overdue: boolean;
}

export interface NodeListView {
  readonly schemaVersion: 1;
  readonly nodes: readonly NodeView[];
}

export const nodeView = (node: NodeDeclaration, lines: readonly NodeLineView[]): NodeView => ({
  name: node.name,
  region: node.region,
  pool: node.pool,
  roles: node.roles,
  environment: node.environment,
  image: node.image,
  keys: node.keys,
  reach: reachText(node.reach),
  lines,
});

function reachText(reach: Reach): string {
  switch (reach.kind) {
    case 'local':
      return `local ${reach.home}`;
    case 'ssh':
      return `ssh ${reach.user}@${reach.host}:${reach.port}`;
    case 'agent':
      return 'agent';
  }
}

export const lineView = (line: string, head: string | null, report: NodeReport | null, unreachable: string | null): NodeLineView => ({
  line,
  verdict: unreachable !== null ? 'unreachable' : (report?.verdict ?? 'unknown'),
  active: report?.active ?? null,
  onHead: report === null || head === null ? null : report.active === head,
  accepted: report?.accepted ?? [],
  epoch: report?.epoch ?? null,
  seenAt: report === null ? null : new Date(report.at).toISOString(),
  problems: report?.problems ?? [],
  findings: report?.findings ?? [],
  identities: report?.identities ?? null,
  pins: report?.pins === undefined ? null : pinViews(report.pins, report.at),
  ...(report?.checks === undefined ? {} : { checks: report.checks }),
  reason: unreachable ?? '',
});

const pinViews = ({ held }: NodePins, at: Instant): readonly PinView[] =>
  held.map(({ job, pipeline, manifest, expires }) => ({
    job,
    pipeline,
    manifest,
    expires: new Date(expires).toISOString(),
    overdue: expires <= at,
  }));
