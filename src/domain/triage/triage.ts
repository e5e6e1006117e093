import { judgeComplaints } from './complaints.js';
import { judgeEmbeddedProfiles } from './embedded-profiles.js';
import { judgeExport } from './export.js';
import { STAGES, type Finding, type FindingVerdict, type Stage } from './finding.js';
import { judgeIdentities } from './identities.js';
import type { TriageInput } from './input.js';
import { judgeNodes } from './nodes.js';
import { judgeSettings } from './settings.js';
import { judgeSignatures } from './signatures.js';

export interface StageVerdict {
  readonly stage: Stage;
  /** Why nothing was looked at, a clause; null where something was. */
  readonly skipped: string | null;
  readonly findings: readonly Finding[];
}

export interface Triage {
  readonly verdict: FindingVerdict;
  readonly stages: readonly StageVerdict[];
}

/** Judges everything that was read, in the order of S10; within a stage the host comes first. */
export function triage(input: TriageInput): Triage {
  const found = [
    ...judgeEmbeddedProfiles(input),
    ...judgeIdentities(input),
    ...judgeSettings(input),
    ...judgeSignatures(input),
    ...judgeNodes(input),
    ...judgeExport(input),
    ...(input.request === null ? [] : judgeComplaints(input.request)),
  ];
  const stages = STAGES.map((stage): StageVerdict => {
    const findings = found.filter((one) => one.stage === stage);
    return { stage, skipped: findings.length === 0 ? whySkipped(stage, input) : null, findings };
  });
  return { verdict: worst(found), stages };
}

const worst = (findings: readonly Finding[]): FindingVerdict =>
  (['fail', 'warn'] as const).find((verdict) => findings.some((one) => one.verdict === verdict)) ?? 'ok';

function whySkipped(stage: Stage, { identities, artifact }: TriageInput): string {
  switch (stage) {
    case 'embedded-profile':
      return 'no artifact was given (--app)';
    case 'identities':
      return identities.state === 'none' ? identities.reason : 'nothing was found to compare the identities here with';
    case 'settings':
      return 'no build arguments, log, project or CI files were given (--build-args, --build-log, --project, --ci)';
    case 'signature':
      return artifact === null ? 'no artifact was given (--app)' : 'it holds no bundle';
    case 'nodes':
      return 'no nodes were named (--node N --against M)';
    case 'export':
      return 'no export directory or options were given (--export)';
  }
}
