import type { BuildersEnd } from '../../simulator/builder.js';
import { describeDistance } from '../../domain/duration.js';
import type { RotationNodesView, RotationView } from '../../presenters/rotation.js';
import { placesText, type Place } from './places.js';
import { sidecarFolders } from '../../simulator/mesh/sidecar.js';
import { signedByText, type SignedBy } from './sidecar.js';
import { phaseColour, type Pen } from '../../presenters/rotation-text.js';

const MARK: Readonly<Record<string, string>> = { switched: '■', switching: '▣', waiting: '□' };

/**
 * One line that fits a terminal. Of one rotation: phase, cohorts, what is going on, builds so far, and how long a rollback stays possible; of several
 * their phases and cohorts.
 */
export function progressLine(views: readonly RotationView[], builds: BuildersEnd, pen: Pen, now: number): string {
  const counted = `${builds.builds} builds, ${builds.failures.length} failed`;
  const [only, ...others] = views;
  if (only === undefined) return counted;
  if (others.length === 0)
    return partsOf(only, pen, now, counted)
      .filter((part) => part !== '')
      .join('  ');
  return [
    ...views.map(({ rotation }) =>
      `${rotation.id} ${pen.styled(rotation.phase, phaseColour(rotation.phase))} ${marksOf(rotation)}`.trimEnd(),
    ),
    counted,
  ].join('   ');
}

const marksOf = ({ cohorts }: RotationView['rotation']): string =>
  cohorts.map((cohort) => (MARK[cohort.state] ?? '□').repeat(cohort.nodes)).join(' ');

function partsOf({ rotation }: RotationView, pen: Pen, now: number, counted: string): readonly string[] {
  const work = rotation.progress === null ? '' : `${rotation.progress.task} ${rotation.progress.handled}/${rotation.progress.of}`;
  const soak =
    rotation.phase === 'soaking' && rotation.soak !== null ? `soak ends ${describeDistance(Date.parse(rotation.soak.endsAt), now)}` : '';
  const horizon = rotation.horizon === null ? '' : `horizon ${countdown(Date.parse(rotation.horizon) - now - rotation.offset)}`;
  return [pen.styled(rotation.phase.padEnd(16), phaseColour(rotation.phase)), marksOf(rotation), work, soak, counted, horizon];
}

/** `5d 23:59:58` */
function countdown(left: number): string {
  const seconds = Math.max(0, Math.floor(left / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 86_400)}d ${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** What is told once of a demo, whatever the number of its lines. */
export interface WholeDemo {
  readonly builds: BuildersEnd;
  /** Which keys and profiles are where; null where it is no example. */
  readonly places: readonly Place[] | null;
  /** Which alias of the signing sidecar signed on which node; null where there is none. */
  readonly signedBy: readonly SignedBy[] | null;
  /** Null where nothing goes on running. */
  readonly uiUrl: string | null;
  readonly home: string;
  readonly real: boolean;
}

export interface SummaryFacts {
  readonly view: RotationView;
  readonly nodes: RotationNodesView;
  readonly startedBy: string;
  /** The git repository of the line. */
  readonly store: string;
  readonly expected: string;
  readonly whole: WholeDemo | null;
}

/** Per node old and new UUID of its first app, what builds saw, and where to look further. */
export function summaryLines(facts: SummaryFacts, pen: Pen): string[] {
  const { view, whole } = facts;
  const { rotation } = view;
  const headline = pen.styled(`${rotation.id} ${rotation.phase}`, phaseColour(rotation.phase));
  return [
    '',
    rotation.phase === facts.expected ? headline : `${headline}, expected ${facts.expected}`,
    ...rotation.reasons.map((reason) => `  because ${reason}`),
    '',
    ...servedLines(facts, pen),
    ...(whole === null ? [] : buildLines(whole, pen)),
    `started by   ${facts.startedBy}`,
    ...(whole === null
      ? []
      : [`nodes        ${whole.home}/nodes/NODE (profiles in Library/Developer/Xcode/UserData/Provisioning Profiles)`]),
    `store        git -C ${facts.store} log`,
    ...(whole === null ? [] : reopenLines(whole)),
  ];
}

function servedLines({ view: { rotation, changes }, nodes }: SummaryFacts, pen: Pen): readonly string[] {
  const [first] = changes ?? [];
  if (first === undefined || changes === null) return [];
  const done = rotation.phase === 'completed';
  const rows = nodes.nodes.map((node) => {
    const own = changes.find((change) => change.holder === node.node) ?? first;
    const now = node.active === rotation.to ? 'new' : node.active === rotation.from ? 'old' : '?';
    return [
      node.node,
      own.old.uuid,
      own.new.uuid,
      { text: now, style: (now === 'new') === done ? ('green' as const) : ('yellow' as const) },
      node.state,
    ];
  });
  const others = changes.length - changes.filter((change) => change.bundleId === first.bundleId).length;
  return [
    ...pen.table(['NODE', 'OLD UUID', 'NEW UUID', 'SERVES', 'LAST'], rows),
    `UUIDs of ${first.bundleId}${others === 0 ? '' : `; ${others} more ${others === 1 ? 'profile' : 'profiles'} moved with ${first.holder === null ? 'it' : 'them'}`}`,
    '',
  ];
}

function buildLines({ builds, places, signedBy, real }: WholeDemo, pen: Pen): readonly string[] {
  const failed = builds.failures.length === 0 ? pen.styled('0 failed', 'green') : pen.styled(`${builds.failures.length} FAILED`, 'red');
  const where = places === null ? 'on every node' : 'on every node with profiles';
  return [
    ...(places === null ? [] : [...placesText(places, pen), '']),
    ...(signedBy === null ? [] : [...signedByText(signedBy, pen), '']),
    `builds       ${builds.builds} in all, ${where} and through the whole run; ${builds.checks} profile files checked, ${failed}`,
    ...builds.failures.slice(0, 5).map((failure) => `             ${failure}`),
    ...(real ? ['not checked  identities and signing: these nodes hold no keys (keys: forbidden), so those checks are not-due'] : []),
  ];
}

const reopenLines = ({ uiUrl, home, signedBy }: WholeDemo): readonly string[] => [
  uiUrl === null ? `reopen       npx reseal up --home ${home}` : `Temporal UI  ${uiUrl}/namespaces/reseal/workflows`,
  ...(signedBy === null ? [] : [`its sidecar  npx reseal sidecar run --file ${sidecarFolders(home).file}`]),
];

/** While it stays up: what to try next. @param rollbackBy who may roll it back; null where there is nothing to roll back */
export const nextCommands = (id: string, home: string, flag: string, rollbackBy: string | null): readonly string[] => [
  '',
  'Try, in another terminal:',
  `  npx reseal rotation status ${id} --nodes${flag}`,
  `  npx reseal node list${flag}`,
  ...(rollbackBy === null ? [] : [`  npx reseal rotation rollback ${id} --as ${rollbackBy} --ticket DEMO-2${flag}`]),
  `Reopen this mesh later: npx reseal up --home ${home}`,
];
