import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityFailure, executeChild, log, workflowInfo } from '@temporalio/workflow';
import type { NodesToLookAt, ReturningLine, ReturningSurvey, WhichNodes } from '../activities/returning/contract.js';
import type { Instant, LineName, NodeName } from '../src/domain/brands.js';
import { restoredLines } from '../src/domain/node/restore-text.js';
import type { NodeReport } from '../src/domain/node/report.js';
import type { RestoreResult } from '../src/domain/node/restore.js';
import { pauseAfter, returningKey, type StandingReturn } from '../src/domain/returning.js';
import { messenger, returning } from './activities.js';
import type { nodeInspection } from './node-inspection.js';
import type { nodeRestore } from './node-restore.js';

/** What a look hands on to the next one, and what it did. */
export interface ReturningEnd {
  readonly standing: readonly StandingReturn[];
  /** When every node of a line was looked at last. */
  readonly everyNodeAt: Readonly<Record<LineName, Instant>>;
  readonly restored: readonly { readonly line: LineName; readonly node: NodeName }[];
}

/** How many nodes of a line are restored side by side, and in one look: the history of one run holds no more than so many. */
const SIDE_BY_SIDE = 20;
const IN_ONE_LOOK = 200;

/** A node that answers and does not serve what is in force. */
interface Returned {
  readonly report: NodeReport;
  readonly why: string | null;
}

/**
 * Looks for nodes that came back, are new, or were imaged anew, and brings them to what is in force on lines where nothing is under way; run by the
 * Schedule `returning-nodes`, which hands every run what the last one ended with (https://docs.temporal.io/schedule#last-completion-result).
 */
export async function returningNodes(): Promise<ReturningEnd> {
  const before = (workflowInfo().lastResult as ReturningEnd | undefined) ?? { standing: [], everyNodeAt: {}, restored: [] };
  const survey = await returning.surveyReturning();
  const looks = await Promise.all(survey.lines.map((line) => lookAtLine(survey, line, before)));
  const looked = new Set(survey.lines.map(({ line }) => line));
  return {
    standing: [...before.standing.filter(({ line }) => !looked.has(line)), ...looks.flatMap(({ standing }) => standing)],
    everyNodeAt: { ...before.everyNodeAt, ...Object.fromEntries(looks.flatMap(({ line, everyNodeAt }) => (everyNodeAt === null ? [] : [[line, everyNodeAt]]))) }, // prettier-ignore
    restored: looks.flatMap(({ line, restored }) => restored.map((node) => ({ line, node }))),
  };
}

interface LineLook {
  readonly line: LineName;
  readonly standing: readonly StandingReturn[];
  /** Null: not every node was looked at. */
  readonly everyNodeAt: Instant | null;
  readonly restored: readonly NodeName[];
}

async function lookAtLine(survey: ReturningSurvey, found: ReturningLine, before: ReturningEnd): Promise<LineLook> {
  const { line, manifest } = found;
  const began = Date.now();
  const last = before.everyNodeAt[line];
  const which: WhichNodes = last === undefined || began - last >= survey.everyNodeAfter ? 'every-node' : 'owed';
  const standing = new Map(before.standing.filter((one) => one.line === line && one.manifest === manifest).map((one) => [one.node, one]));
  const restored: NodeName[] = [];
  let tried = 0;
  let after: NodeName | null = null;
  for (let page = 0; tried < IN_ONE_LOOK; page += 1) {
    const asked: NodesToLookAt | null = await returning.nodesToLookAt({ line, which, after });
    if (asked === null) return { line, standing: [...standing.values()], everyNodeAt: which === 'every-node' ? began : null, restored };
    const { nodes, ...terms }: NodesToLookAt = asked;
    after = nodes.at(-1)?.node ?? after;
    const { reports } = await executeChild<typeof nodeInspection>('nodeInspection', {
      workflowId: `inspection/returning/${line}/${workflowInfo().runId.slice(0, 8)}/${page}`,
      args: [{ line, nodes: nodes.map(({ node }) => node), manifest, offset: 0, ...terms }],
      staticSummary: `asks ${nodes.length} nodes of ${line}`,
    });
    for (const report of reports) if (report.active === manifest) standing.delete(report.node);
    const returned = reports
      .filter((report) => report.active !== manifest)
      .map((report) => ({ report, why: nodes.find(({ node }) => node === report.node)?.why ?? null }));
    const asks = ({ report }: Returned): boolean => survey.terms.mode === 'ask' || report.brokenGlass === true;
    await askFor(survey, found, returned.filter(asks), standing); // prettier-ignore
    if (survey.terms.mode !== 'ask') {
      const due = returned.filter((one) => !asks(one) && (standing.get(one.report.node)?.notBefore ?? 0) <= began);
      tried += due.length;
      for (let first = 0; first < due.length; first += SIDE_BY_SIDE)
        await Promise.all(due.slice(first, first + SIDE_BY_SIDE).map((one) => restore(survey, found, one, standing, restored)));
    }
  }
  return { line, standing: [...standing.values()], everyNodeAt: null, restored };
}

/** People are told the command, once for each node until it serves what is in force. */
async function askFor(
  { audience }: ReturningSurvey,
  { line, manifest }: ReturningLine,
  returned: readonly Returned[],
  standing: Map<NodeName, StandingReturn>,
): Promise<void> {
  const fresh = returned.map(({ report }) => report.node).filter((node) => !standing.has(node));
  if (fresh.length === 0) return;
  for (const node of fresh) standing.set(node, { line, node, manifest, failures: 0, notBefore: 0 });
  const they = fresh.length === 1 ? 'answers and does not' : 'answer and do not';
  await tell(
    audience,
    `${line}: ${fresh.join(', ')} ${they} serve what is in force. Bring ${fresh.length === 1 ? 'it' : 'them'} to it: reseal node restore ${fresh.join(' ')} --line ${line} --as PERSON --ticket TICKET`,
  );
}

async function restore(
  { terms, audience }: ReturningSurvey,
  { line, manifest }: ReturningLine,
  { report, why }: Returned,
  standing: Map<NodeName, StandingReturn>,
  restored: NodeName[],
): Promise<void> {
  const { node } = report;
  const result = await restoreAs(line, node);
  // A rotation has begun, or somebody's own restore is at work.
  if (result === null) return;
  const because = why === null ? '' : ` (${why})`;
  const image = report.image === '' ? 'its image is not known' : `its image is ${report.image}`;
  const said = restoredLines(result).map((text) => text.trim()).join('; '); // prettier-ignore
  if (result.outcome === 'done') {
    standing.delete(node);
    restored.push(node);
    await tell(audience, `${line}: ${node} is back${because}. ${said}; ${image}`);
    return;
  }
  // Away again: it is asked again, and nothing has been tried on it that could have failed.
  if (result.outcome === 'unreachable') return;
  const failures = (standing.get(node)?.failures ?? 0) + 1;
  const notBefore = Date.now() + pauseAfter(failures, terms.every);
  standing.set(node, { line, node, manifest, failures, notBefore });
  if (failures > 1) return;
  await tell(
    audience,
    `${line}: ${node} answers${because} and could not be brought to what is in force. ${said}; ${image}. It is tried again at ${new Date(notBefore).toISOString()}, then after longer and longer pauses; see reseal node inspect ${node}`,
  );
}

/** By the very restore that people ask for. Null: not now. */
async function restoreAs(line: LineName, node: NodeName): Promise<RestoreResult | null> {
  const input = await returning.orderReturn({ line, node, key: returningKey(node, workflowInfo().runId) });
  if (input === null) return null;
  try {
    return await executeChild<typeof nodeRestore>('nodeRestore', {
      workflowId: `restore/${line}/${node}`,
      args: [input],
      staticSummary: `restores ${node} on ${line} (${input.by}, ${input.ticket})`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

/** What is not delivered in its time is not delivered: the next look must not wait for a webhook. */
async function tell(audience: readonly string[], text: string): Promise<void> {
  try {
    await messenger.notify({ event: 'returned', text, audience, rotation: null, history: null });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.warn('a notice of a node that came back was not delivered', { text });
  }
}
