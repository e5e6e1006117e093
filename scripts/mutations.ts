/** `npm run mutations`: takes one safeguard at a time out of the product, in memory, and expects the exploration to notice. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { explore as Explore } from '../test/exploration/explore.js';
import type { Limits } from '../test/exploration/world.js';

interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly limits: Limits;
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ONE: Limits = { waves: [1], maxUnavailable: 1, faults: 1, commands: 1 };
const GATES: Limits = { waves: [1], maxUnavailable: 1, faults: 0, commands: 1, secondGate: true };
const TWO: Limits = { waves: [1, 1], maxUnavailable: 1, faults: 1, commands: 1 };

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'staging accepts without reading back',
    file: 'src/domain/node/steps.ts',
    find: "    { do: 'read-back', expect: { present: to.placements, manifestsPresent: [to.manifest] } },\n    ...fenced({ do: 'accept', manifest: to.manifest }),",
    replace: "    ...fenced({ do: 'accept', manifest: to.manifest }),",
    limits: ONE,
  },
  {
    name: 'no look at the epoch before a rename',
    file: 'src/domain/node/steps.ts',
    find: "const fenced = (step: NodeStep): NodeStep[] => [{ do: 'fence' }, step];",
    replace: 'const fenced = (step: NodeStep): NodeStep[] => [step];',
    limits: ONE,
  },
  {
    name: 'an attempt that comes late takes the line from its own retry',
    file: 'src/domain/node/order.ts',
    find: 'return mine.attempt >= current.attempt',
    replace: 'return mine.attempt >= 1',
    limits: ONE,
  },
  {
    name: 'an order that comes late takes the line from a later one of the same epoch',
    file: 'src/domain/node/order.ts',
    find: 'if (mine.sentAt !== current.sentAt) {',
    replace: 'if (mine.sentAt > current.sentAt) {',
    limits: ONE,
  },
  {
    name: 'files go before their manifest is un-accepted',
    file: 'src/domain/node/steps.ts',
    find: "    ...fenced({ do: 'un-accept', manifest: gone.manifest }),\n    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),",
    replace:
      "    ...placements.flatMap((placement) => fenced({ do: 'quarantine-profile', placement })),\n    ...fenced({ do: 'un-accept', manifest: gone.manifest }),",
    limits: ONE,
  },
  {
    name: 'an inconclusive probe counts as a pass',
    file: 'src/domain/node/probe.ts',
    find: '        passes = 0;\n        unclearSince ??= probe.at;',
    replace: "        passes += 1;\n        if (passes >= needed) return { state: 'proven' };\n        unclearSince ??= probe.at;",
    limits: ONE,
  },
  {
    name: 'one approver is enough',
    file: 'src/domain/rotation/moves.ts',
    find: 'countingApprovals(state, now).length >= state.policy.gate.approvals',
    replace: 'countingApprovals(state, now).length >= 1',
    limits: TWO,
  },
  {
    name: 'a rollback does not restore what was retired',
    file: 'src/domain/rotation/rollback.ts',
    find: "...(done.retired === 'no' ? [] : [{ do: 'restore' } as const]),",
    replace: '',
    limits: ONE,
  },
  {
    name: 'approvals of one gate count at the next',
    file: 'src/domain/rotation/events.ts',
    find: '    approvals: [],\n    gate: {',
    replace: '    gate: {',
    limits: GATES,
  },
  {
    name: 'nodes are staged before the record says that staging has begun',
    file: 'src/domain/rotation/events.ts',
    find: 'return { ...state, done: { ...state.done, staged: atLeastBegun(state.done.staged) } };',
    replace: 'return state;',
    limits: ONE,
  },
  {
    name: 'a question is put without a line in the record',
    file: 'src/domain/rotation/history.ts',
    find: 'after.question !== null && after.question.askedAt !== before.question?.askedAt',
    replace: 'after.question !== null && before.question !== null && after.question.askedAt !== before.question.askedAt',
    limits: ONE,
  },
];

/** The exploration, bundled with one file changed. */
async function exploreWith(mutation: Mutation | null, folder: string): Promise<typeof Explore> {
  const outfile = join(folder, `${mutation === null ? 'whole' : mutation.name.replaceAll(/\W+/g, '-')}.mjs`);
  await build({
    entryPoints: [join(ROOT, 'test/exploration/explore.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'mutate',
        setup: (on) => {
          on.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (mutation === null || relative(ROOT, path) !== mutation.file) return null;
            return { contents: mutated(mutation, readFileSync(path, 'utf8')), loader: 'ts' };
          });
        },
      },
    ],
  });
  return ((await import(pathToFileURL(outfile).href)) as { explore: typeof Explore }).explore;
}

function mutated(mutation: Mutation, text: string): string {
  const parts = text.split(mutation.find);
  if (parts.length === 2) return parts.join(mutation.replace);
  throw new Error(
    `${mutation.name}: ${mutation.file} holds the text to be replaced ${parts.length - 1} times, expected once:\n${mutation.find}`,
  );
}

interface Row {
  readonly name: string;
  readonly found: string;
  readonly states: number;
}

async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(ROOT, 'node_modules/.cache-mutations-'));
  try {
    const whole = (await exploreWith(null, folder))(ONE);
    if (whole.violation !== null) throw new Error(`without any mutation: ${whole.violation.invariant}: ${whole.violation.what}`);
    const rows: Row[] = [];
    for (const mutation of MUTATIONS) {
      const { violation, states } = (await exploreWith(mutation, folder))(mutation.limits);
      rows.push({ name: mutation.name, found: violation?.invariant ?? 'SURVIVED', states });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rows = await run();
const width = Math.max(...rows.map((row) => row.name.length));
const found = Math.max(...rows.map((row) => row.found.length));
for (const row of rows) console.log(`${row.name.padEnd(width)}  ${row.found.padEnd(found)}  ${String(row.states).padStart(7)} states`);
const survived = rows.filter((row) => row.found === 'SURVIVED');
console.log(
  survived.length === 0 ? `all ${rows.length} mutations were noticed` : `${survived.length} of ${rows.length} mutations survived`,
);
process.exitCode = survived.length === 0 ? 0 : 1;
