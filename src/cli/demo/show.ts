import type { BuildersEnd } from '../../simulator/builder.js';
import { describeDistance } from '../../domain/duration.js';
import type { RotationNodesView, RotationView } from '../../presenters/rotation.js';
import { phaseColour, type Pen } from '../../presenters/rotation-text.js';

const MARK: Readonly<Record<string, string>> = { switched: '■', switching: '▣', waiting: '□' };

/** One line that fits a terminal: phase, cohorts, what is going on, builds so far, and how long a rollback stays possible. */
export function progressLine({ rotation }: RotationView, builds: BuildersEnd, pen: Pen, now: number): string {
  const cohorts = rotation.cohorts.map((cohort) => (MARK[cohort.state] ?? '□').repeat(cohort.nodes)).join(' ');
  const work = rotation.progress === null ? '' : `${rotation.progress.task} ${rotation.progress.handled}/${rotation.progress.of}`;
  const soak =
    rotation.phase === 'soaking' && rotation.soak !== null ? `soak ends ${describeDistance(Date.parse(rotation.soak.endsAt), now)}` : '';
  const horizon = rotation.horizon === null ? '' : `horizon ${countdown(Date.parse(rotation.horizon) - now - rotation.offset)}`;
  const counted = `${builds.builds} builds, ${builds.failures.length} failed`;
  return [pen.styled(rotation.phase.padEnd(16), phaseColour(rotation.phase)), cohorts, work, soak, counted, horizon]
    .filter((part) => part !== '')
    .join('  ');
}

/** `5d 23:59:58` */
function countdown(left: number): string {
  const seconds = Math.max(0, Math.floor(left / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 86_400)}d ${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export interface SummaryFacts {
  readonly view: RotationView;
  readonly nodes: RotationNodesView;
  readonly builds: BuildersEnd;
  readonly startedBy: string;
  /** Null where nothing goes on running. */
  readonly uiUrl: string | null;
  readonly home: string;
  readonly real: boolean;
  readonly expected: string;
}

/** Per node old and new UUID of the first app, what builds saw, and where to look further. */
export function summaryLines(facts: SummaryFacts, pen: Pen): string[] {
  const { view, nodes, builds, home } = facts;
  const { rotation } = view;
  const change = view.changes?.[0];
  const done = rotation.phase === 'completed';
  const headline = pen.styled(`${rotation.id} ${rotation.phase}`, phaseColour(rotation.phase));
  const lines = [
    '',
    rotation.phase === facts.expected ? headline : `${headline}, expected ${facts.expected}`,
    ...rotation.reasons.map((reason) => `  because ${reason}`),
    '',
  ];
  if (change !== undefined) {
    const served = (active: string | null): string =>
      active === rotation.to ? change.new.uuid : active === rotation.from ? change.old.uuid : '?';
    lines.push(
      ...pen.table(
        ['NODE', 'OLD UUID', 'NEW UUID', 'SERVES', 'LAST'],
        nodes.nodes.map((node) => {
          const now = served(node.active);
          return [
            node.node,
            change.old.uuid,
            change.new.uuid,
            {
              text: now === change.new.uuid ? 'new' : now === change.old.uuid ? 'old' : '?',
              style: (now === change.new.uuid) === done ? 'green' : 'yellow',
            },
            node.state,
          ];
        }),
      ),
      `UUIDs of ${change.bundleId}${(view.changes?.length ?? 0) > 1 ? `; ${(view.changes?.length ?? 1) - 1} more profiles moved with it` : ''}`,
      '',
    );
  }
  lines.push(
    `builds       ${builds.builds} in all, on every node and through the whole run; ${builds.checks} profile files checked, ${builds.failures.length === 0 ? pen.styled('0 failed', 'green') : pen.styled(`${builds.failures.length} FAILED`, 'red')}`,
  );
  lines.push(...builds.failures.slice(0, 5).map((failure) => `             ${failure}`));
  if (facts.real)
    lines.push('not checked  identities and signing: these nodes hold no keys (keys: forbidden), so those checks are not-due');
  lines.push(`started by   ${facts.startedBy}`);
  lines.push(`nodes        ${home}/nodes/NODE (profiles in Library/Developer/Xcode/UserData/Provisioning Profiles)`);
  lines.push(`store        git -C ${home}/store.git log`);
  lines.push(
    facts.uiUrl === null ? `reopen       npx reseal up --home ${home}` : `Temporal UI  ${facts.uiUrl}/namespaces/reseal/workflows`,
  );
  return lines;
}

/** While it stays up: what to try next. */
export const nextCommands = (id: string, home: string, flag: string, completed: boolean): readonly string[] => [
  '',
  'Try, in another terminal:',
  `  npx reseal rotation status ${id} --nodes${flag}`,
  `  npx reseal node list${flag}`,
  ...(completed ? [`  npx reseal rotation rollback ${id} --as ada --ticket DEMO-2${flag}`] : []),
  `Reopen this mesh later: npx reseal up --home ${home}`,
];
