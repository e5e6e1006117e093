import { exportStatus, hasEnded, type ExportState } from './export.js';

/** What people are told of a request that has come to a phase, and who they are. */
export interface ExportNotice {
  readonly text: string;
  /** Persons. */
  readonly audience: readonly string[];
}

/** Null where a phase is nobody's business: an approved request is sealed, or fails, in a moment. */
export function exportNotice(state: ExportState): ExportNotice | null {
  const { id, binds, ticket, approvalsNeeded, fetchedBy, ended, phase } = exportStatus(state);
  const what = `${id}: ${binds.requestedBy} asks for identity ${binds.identity.slice(0, 8)} of ${binds.node}, private key included, for ${binds.receiver} (${ticket})`;
  const approvers = approversOf(state);
  const mayKnow = [...new Set([binds.requestedBy, ...fetchedBy])];
  if (phase === 'requested')
    return { text: `${what}: ${binds.reason}. It needs ${approvalsNeeded} approvals; see reseal export show ${id}`, audience: approvers };
  if (phase === 'sealed') return { text: `${what}: it is sealed and can be fetched once, reseal export fetch ${id}`, audience: mayKnow };
  if (!hasEnded(phase)) return null;
  return {
    text: `${what}. It is ${phase}${ended === null ? '' : `: ${ended.reason}`}`,
    audience: [...new Set([...mayKnow, ...approvers])],
  };
}

/** Who could approve it: as `decideExport` has it. */
const approversOf = ({ opened: { rights, binding, fetchedBy } }: ExportState): readonly string[] =>
  Object.entries(rights)
    .filter(
      ([person, commands]) => commands.includes('approve') && person !== binding.requestedBy && !fetchedBy.some((one) => one === person),
    )
    .map(([person]) => person);
