import { join } from 'node:path';
import { ResealError } from '../domain/errors.js';
import { defineCommand, type Context, type ExitCode } from './command.js';
import { FAILS, type Fail } from '../simulator/mesh/faults.js';
import { makeDemo, readDemo, removeDemo, type DemoRecord } from './demo/home.js';
import { EXAMPLE_NAMES, exampleOf, type FoundExample } from './demo/example.js';
import { claimHome, demoHomeFolder } from './home.js';
import { projectFolder, resealProgram } from './project-folder.js';

function failOf(text: string | undefined): Fail | null {
  if (text === undefined) return null;
  const fail = FAILS.find((one) => one === text);
  if (fail === undefined) throw new ResealError('USAGE', `--fail takes ${FAILS.join(', ')}, not ${text}.`);
  return fail;
}

export const command = defineCommand({
  description: 'Run a whole rotation on a simulated mesh, and look on',
  arguments: {},
  options: {
    fail: { kind: 'text', description: `Break something on purpose and see the ordered rollback: ${FAILS.join(', ')}`, value: 'WHERE' },
    example: { kind: 'text', description: `Rotate the mesh of an example topology: ${EXAMPLE_NAMES.join(', ')}`, value: 'NAME' },
    real: { kind: 'flag', description: 'Rotate profiles really signed by Apple, as if it were 2024-02-18' },
    fresh: { kind: 'flag', description: 'Start over' },
  },
  async handler(context, _, { fail: failText, example: exampleName, real, fresh }): Promise<ExitCode> {
    const fail = failOf(failText);
    if (context.config !== undefined)
      throw new ResealError('USAGE', 'The demo makes a configuration of its own: --config has no effect here.');
    if (real && fail !== null) throw new ResealError('USAGE', '--real and --fail do not go together.');
    if (real && exampleName !== undefined) throw new ResealError('USAGE', '--real and --example do not go together.');
    if (fail === 'rolling' && exampleName !== undefined)
      throw new ResealError('USAGE', '--fail rolling needs more nodes than an example has; take another one, or leave --example out.');
    const example = exampleName === undefined ? null : exampleOf(exampleName, projectFolder());
    const home = demoHomeFolder(context.home, context.env, context.cwd);
    const release = claimHome(home);
    try {
      const demo = await demoOf(context, home, { real, fail, example, fresh });
      if (demo === null) return 0;
      const { runDemo } = await import('./demo/run.js');
      return await runDemo(context, home, demo, resealProgram());
    } finally {
      release();
    }
  },
});

function endOf(demo: DemoRecord): string {
  const ids = begunOf(demo);
  if (ids === '') return 'had not begun its rotation yet';
  return isUnfinished(demo) ? `(${ids}) was not finished` : `(${ids}) ended as ${demo.lines.map((line) => line.outcome).join(' and ')}`;
}

const isUnfinished = ({ lines }: DemoRecord): boolean => lines.some((line) => line.outcome === null);
/** Its rotations; empty where none has begun. */
const begunOf = ({ lines }: DemoRecord): string => lines.flatMap(({ rotation }) => (rotation === null ? [] : [rotation])).join(' and ');

/** The demo to run: a new one, or the unfinished one of this home. Null when there is nothing to do. */
async function demoOf(
  context: Context,
  home: string,
  asked: { readonly real: boolean; readonly fail: Fail | null; readonly example: FoundExample | null; readonly fresh: boolean },
): Promise<DemoRecord | null> {
  const { output } = context;
  const found = readDemo(home);
  const unfinished = found !== null && isUnfinished(found) && !asked.fresh;
  const begun = found === null ? '' : begunOf(found);
  const same =
    found !== null && found.real === asked.real && found.fail === asked.fail && found.example === (asked.example?.example.name ?? null);
  if (unfinished && same) {
    output.say(begun === '' ? `Taking up the demo in ${home}.` : `Taking up ${begun} in ${home} where it was left.`);
    return found;
  }
  if (unfinished && begun !== '') {
    throw new ResealError(
      'REFUSED',
      `Another demo is unfinished in ${home} (${begun}). Finish it by the same command as before, or start over with --fresh.`,
    );
  }
  if (found !== null) output.say(`The former demo in ${home} ${endOf(found)}; a new one is begun.`);
  await removeDemo(home);
  return makeDemo({ home, ...asked, program: resealProgram(), env: context.env, fixtures: join(projectFolder(), '..', 'shared', 'fixtures', 'apple-profiles'), onProgress: (line) => { output.say(line); } }); // prettier-ignore
}
