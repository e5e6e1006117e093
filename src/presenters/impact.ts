import type { Impact, ImpactQuestion } from '../domain/impact/impact.js';
import { claimCommand, deadInWords, emergencyCommand, type DeadCertificate, type RevocationStanding } from '../domain/revocations.js';
import type { ManifestCertificate } from '../domain/manifest.js';

/** What `reseal impact` prints. No full serial and no full fingerprint but the one that was asked for (S8). */
export interface ImpactView {
  readonly schemaVersion: 1;
  readonly of: {
    readonly kind: ImpactQuestion['kind'];
    /** SHA-1, UUID or node name. */
    readonly id: string;
    readonly name: string | null;
    readonly serialLast6: string | null;
    readonly expiresAt: string | null;
    /** Whether the certificate is recorded as revoked; null: nothing was asked of one. */
    readonly revocation: RevocationStanding['kind'] | null;
    /** By whom that is known, in words that end a sentence; null: it is not recorded. */
    readonly revokedBecause: string | null;
  };
  readonly summary: {
    readonly nodes: number;
    readonly nodesWithKey: number;
    readonly targets: number;
    readonly bundles: number;
    readonly pipelines: number;
    readonly builds: number;
    /** Nodes that have never said what they have: told by what they ought to have. */
    readonly unknown: number;
  };
  readonly targets: Impact['targets'];
  readonly nodes: readonly (Omit<Impact['nodes'][number], 'seenAt'> & { readonly seenAt: string | null })[];
  readonly pipelines: Impact['pipelines'];
  readonly next: readonly string[];
}

/** @param dead the certificate in question, where it is revoked or said to be */
export function impactView(
  question: ImpactQuestion,
  impact: Impact,
  certificate: ManifestCertificate | null,
  dead: DeadCertificate | null = null,
): ImpactView {
  const { targets, nodes, pipelines } = impact;
  const nodesOnce = new Set(nodes.map((node) => node.node));
  const withKey = new Set(nodes.filter((node) => node.holdsKey).map((node) => node.node));
  return {
    schemaVersion: 1,
    of: {
      kind: question.kind,
      id: idOf(question),
      name: certificate?.commonName ?? null,
      serialLast6: certificate === null ? null : certificate.serial.slice(-6),
      expiresAt: certificate?.expiresAt ?? (question.kind === 'profile' ? (targets[0]?.expiresAt ?? null) : null),
      revocation: question.kind === 'certificate' ? (dead?.standing.kind ?? 'not-revoked') : null,
      revokedBecause: dead === null ? null : deadInWords(dead),
    },
    summary: {
      nodes: nodesOnce.size,
      nodesWithKey: withKey.size,
      targets: targets.length,
      bundles: new Set(targets.map((target) => target.bundleId)).size,
      pipelines: pipelines.length,
      // A build handed on is on no node any more; one that is pinned is counted with its pipeline.
      builds: pipelines.reduce((sum, pipeline) => sum + pipeline.builds, 0),
      unknown: nodes.filter((node) => node.seenAt === null).length,
    },
    targets,
    nodes: nodes.map((node) => ({ ...node, seenAt: node.seenAt === null ? null : new Date(node.seenAt).toISOString() })),
    pipelines,
    next: nextSteps(question, impact, dead),
  };
}

const idOf = (question: ImpactQuestion): string => {
  switch (question.kind) {
    case 'certificate':
      return question.sha1;
    case 'profile':
      return question.uuid;
    case 'node':
      return question.node;
  }
};

function nextSteps(question: ImpactQuestion, { targets, nodes, pipelines }: Impact, dead: DeadCertificate | null): readonly string[] {
  if (targets.length === 0 && nodes.length === 0) return ['nothing depends on it: no manifest in force or accepted names it'];
  const lines = [...new Set(targets.filter((target) => target.inForce).map((target) => target.line))];
  const told = pipelines.length === 0 ? [] : [`tell the owners of ${pipelines.map((pipeline) => pipeline.name).join(', ')}`];
  if (question.kind === 'node')
    return [...told, 'before the node goes: `reseal node inspect` it, and wait until no build holds anything on it'];
  const unknown = nodes.filter((node) => node.seenAt === null).map((node) => node.node);
  return [
    ...told,
    ...(dead?.standing.kind === 'claimed' ? [`find out whether it is revoked, then sign for it: ${claimCommand(dead.certificate)}`] : []),
    ...lines.map((line) =>
      dead?.standing.kind === 'revoked'
        ? `put successors with another certificate where line ${line} looks for them, then: ${emergencyCommand(line, dead.certificate.sha1 ?? '')}`
        : `put successors where line ${line} looks for them, then: reseal rotation start --line ${line} --as PERSON --ticket TICKET`,
    ),
    ...(lines.length === 0 ? ['no line has it in force: what still accepts it lets it go when its rotation retires it'] : []),
    ...(unknown.length === 0 ? [] : [`see what these have, for they never said: reseal node probe ${unknown.slice(0, 5).join(' ')}`]),
  ];
}
