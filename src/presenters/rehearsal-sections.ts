import { describeDuration } from '../domain/duration.js';
import { shortDigest } from './digest.js';
import type { NodePathView, RehearsalView, RunView } from './rehearsal.js';

/** A part of a report, for a terminal and for a document alike. */
export interface Section {
  readonly title: string;
  /** Paragraphs before the table. */
  readonly says: readonly string[];
  readonly table: { readonly heading: readonly string[]; readonly rows: readonly (readonly string[])[] } | null;
}

/** Local time and distance, as `2026-11-29 09:14 (in 6 days)`. */
export type Clock = (at: number) => string;

/** What a rehearsal found, first what would have broken, then the calendar, then what happened. */
export function rehearsalSections(view: RehearsalView, clock: Clock): readonly Section[] {
  return [...findingSections(view), windowSection(view, clock), ...view.runs.flatMap(runSections), buildSection(view)];
}

/** One line that says it all. */
export function headline({ verdict, findings, runs }: RehearsalView): string {
  const breaking = findings.filter((finding) => finding.verdict === 'breaks').length;
  const heeded = findings.length - breaking;
  const outcomes = runs.map(({ rotation, outcome }) => `${rotation} ${outcome ?? 'came to no end'}`).join(', ');
  const worth = heeded === 0 ? '' : `; ${heeded} to heed`;
  return verdict === 'pass'
    ? `Nothing would have broken: ${outcomes}${worth}.`
    : `${breaking} ${breaking === 1 ? 'thing' : 'things'} would have broken${worth}: ${outcomes}.`;
}

/** What was rehearsed, and on what. */
export function preamble(view: RehearsalView, clock: Clock): readonly string[] {
  const { mesh, newCertificates, standIns } = view;
  return [
    `${view.line}, manifest ${shortDigest(view.manifest)}, as if it were ${clock(Date.parse(view.at))}; what is in force expires ${clock(Date.parse(view.horizon))}.`,
    `${mesh.nodes} simulated nodes stood for those of the line, one by one, with profiles and ${newCertificates === 0 ? 'the certificate' : 'certificates'} remade by a simulated Apple${newCertificates === 0 ? '' : `; ${newCertificates === 1 ? 'a new certificate' : `${newCertificates} new certificates`} came with the successors`}.`,
    `Waits were divided by ${view.compress}, work was not; it took ${describeDuration(view.took)}. Signoffs were given by stand-ins and count nowhere else${standIns.length === 0 ? '' : `, ${standIns.length} of them for nobody in the roster`}.`,
  ];
}

function findingSections({ findings }: RehearsalView): readonly Section[] {
  const of = (verdict: 'breaks' | 'heed', title: string): Section[] => {
    const rows = findings
      .filter((finding) => finding.verdict === verdict)
      .map(({ check, found, expected, next }) => [check, found, expected, next]);
    return rows.length === 0 ? [] : [{ title, says: [], table: { heading: ['CHECK', 'FOUND', 'EXPECTED', 'NEXT'], rows } }];
  };
  return [...of('breaks', 'What would have broken'), ...of('heed', 'To heed')];
}

/** `6d 23h`: as narrow as a column wants it. */
function countdown(left: number): string {
  const minutes = Math.round(Math.abs(left) / 60_000);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const text = days > 0 ? `${days}d${hours > 0 ? ` ${hours}h` : ''}` : hours > 0 ? `${hours}h${rest > 0 ? ` ${rest}m` : ''}` : `${rest}m`;
  return left < 0 ? `T+${text}` : `T-${text}`;
}

function windowSection({ window, horizon, at }: RehearsalView, clock: Clock): Section {
  const end = Date.parse(horizon);
  const milestone = (name: string, date: string): string[] => [name, countdown(end - Date.parse(date)), clock(Date.parse(date)), '', ''];
  return {
    title: 'The window, at its slowest',
    says: [
      window.spare >= 0
        ? `With every part at its longest and the policy as it is, ${describeDuration(window.spare)} are to spare, safety margin and a whole rollback kept.`
        : `With every part at its longest and the policy as it is, ${describeDuration(-window.spare)} are missing.`,
    ],
    table: {
      heading: ['PHASE', 'UNTIL EXPIRY', 'BEGINS BY', 'MAY TAKE', 'TOOK HERE'],
      rows: [
        milestone('scan starts it', at),
        ...window.phases.map(({ phase, beginsBy, atMost, beforeExpiry, took }) => [
          phase,
          countdown(beforeExpiry),
          clock(Date.parse(beginsBy)),
          describeDuration(atMost),
          took === null ? '-' : seconds(took),
        ]),
        milestone('done', window.endsBy),
        milestone('last automatic rollback', window.turnsBackUntil),
        milestone('old assets expire', horizon),
      ],
    },
  };
}

function runSections(run: RunView): readonly Section[] {
  const name = run.fault === null ? `${run.rotation}: nothing broken on purpose` : `${run.rotation}: ${run.fault}`;
  return [
    {
      title: name,
      says: [
        `${run.outcome ?? 'It came to no end'} after ${describeDuration(run.took)}, expected ${run.expected.join(' or ')}${returned(run)}.`,
        ...(run.from === null || run.to === null ? [] : [`From ${shortDigest(run.from)} to ${shortDigest(run.to)}; ${sideBySide(run)}.`]),
        ...(run.approvals.length === 0
          ? []
          : [`Signed off by stand-ins for ${run.approvals.map(({ standsFor }) => standsFor).join(' and ')}.`]),
        ...run.reasons.slice(0, 5).map((reason) => `Because ${unstopped(reason)}.`),
        ...run.questions.map((question) => `It ${question}.`),
      ],
      table: {
        heading: ['PHASE', 'AFTER', 'TOOK'],
        rows: run.phases.map(({ phase, after, took }) => [phase, since(after), seconds(took)]),
      },
    },
    {
      title: `Every node's path in ${run.rotation}`,
      says: [],
      table: {
        heading: ['NODE', 'COHORT', 'SERVES', 'PATH'],
        rows: run.nodes.map((node) => [node.node, node.cohort, node.serves, pathText(node)]),
      },
    },
    ...(run.wayBack.length === 0 ? [] : [wayBackSection(run)]),
  ];
}

/** A sentence that goes on: reasons of nodes are sentences of their own. */
const unstopped = (reason: string): string => reason.replace(/\.+$/, '');

const nodesThat = ({ nodes }: RunView, step: string): number =>
  nodes.filter(({ steps }) => steps.some((one) => one.step === step && one.outcome === 'done')).length;

/** What became of the old assets, where it did not complete. */
function returned(run: RunView): string {
  if (run.restoredAfter === null) return '';
  if (run.nodes.every(({ steps }) => steps.every(({ step }) => step !== 'switch'))) return '; no node had left the old assets';
  return `; every node served the old assets again after ${describeDuration(run.restoredAfter)}`;
}

/** On how many nodes old and new UUIDs lay beside each other, and until when. */
function sideBySide(run: RunView): string {
  const [staged, all] = [nodesThat(run, 'stage'), run.nodes.length];
  const where = `the new assets lay beside the old ones on ${staged} of ${all} ${all === 1 ? 'node' : 'nodes'}`;
  if (staged === 0) return 'the new assets came to no node';
  if (run.outcome === 'completed') return `${where}, from staging until the old ones were retired`;
  const gone = nodesThat(run, 'unstage');
  return gone === 0 ? where : `${where}, and were removed from ${gone} when all served the old ones`;
}

const seconds = (duration: number): string => `${(duration / 1000).toFixed(1)} s`;
const since = (after: number): string => `+${seconds(after)}`;

const DONE: Readonly<Record<string, string>> = {
  stage: 'staged',
  switch: 'switched',
  'switch-back': 'back on the old',
  probe: 'probed',
  retire: 'old retired',
  restore: 'old restored',
  unstage: 'new removed',
};

/** `staged; switched (3 passes); probed 11x; old retired` */
function pathText({ steps }: NodePathView): string {
  const texts: { readonly text: string; readonly reason: string; times: number }[] = [];
  for (const step of steps) {
    const text = stepText(step);
    const last = texts.at(-1);
    if (last?.text === text && last.reason === step.reason) last.times += 1;
    else texts.push({ text, reason: step.reason, times: 1 });
  }
  const told = texts.map(
    ({ text, reason, times }) => `${text}${times === 1 ? '' : ` ${times}x`}${reason === '' ? '' : `: ${unstopped(reason)}`}`,
  );
  return told.join('; ') || 'untouched';
}

function stepText({ step, outcome, passes }: NodePathView['steps'][number]): string {
  if (outcome !== 'done') return `${step} ${outcome}`;
  return `${DONE[step] ?? step}${passes === null ? '' : ` (${passes} ${passes === 1 ? 'pass' : 'passes'})`}`;
}

const wayBackSection = ({ rotation, wayBack }: RunView): Section => ({
  title: `The way back of ${rotation}, in its order`,
  says: ['Cohorts in the reverse of the order in which they switched; new assets go only when every node serves the old ones.'],
  table: {
    heading: ['#', 'AFTER', 'COHORT', 'NODE', 'STEP', 'OUTCOME'],
    rows: wayBack.map(({ order, after, cohort, node, step, outcome }) => [
      String(order),
      since(after),
      cohort,
      node,
      DONE[step] ?? step,
      outcome,
    ]),
  },
});

const buildSection = ({ builds: { builds, checks, failures } }: RehearsalView): Section => ({
  title: 'Builds',
  says: [
    `${builds} builds ran through all of it, on every node that has profiles; ${checks} profile files were read, ${failures.length} ${failures.length === 1 ? 'build' : 'builds'} failed.`,
  ],
  table: null,
});
