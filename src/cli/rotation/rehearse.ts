import { isAbsolute, resolve } from 'node:path';
import { describeDuration } from '../../domain/duration.js';
import { ResealError } from '../../domain/errors.js';
import { compressWaits, waitsOf, watchableFactor } from '../../domain/rehearsal/compress.js';
import { estimate } from '../../domain/rehearsal/rehearsal.js';
import { eventText } from '../../presenters/rotation-text.js';
import { eventView } from '../../presenters/rotation.js';
import { rehearsalMarkdown } from '../../presenters/rehearsal-markdown.js';
import { rehearsalText } from '../../presenters/rehearsal-text.js';
import { rehearsalView, type RehearsalView } from '../../presenters/rehearsal.js';
import { FAILS, type Fail } from '../../simulator/mesh/faults.js';
import { defineCommand, type Context, type ExitCode } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { resealProgram } from '../project-folder.js';
import { rehearsalHome } from '../rehearsal/home.js';
import { mayFail } from '../rehearsal/site.js';
import { readTeam, type TeamLine } from '../rehearsal/team.js';
import { bytesOrNone, replaceFile } from '../replace-file.js';

const NONE = 'none';

export const command = defineCommand({
  description: 'Rehearse the whole window of a line on simulated nodes that stand for its own; exit 1 when something would have broken',
  arguments: {},
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml; needed where there are several', value: 'LINE' },
    at: { kind: 'text', description: 'When it begins (default: at the first scan in which something is due)', value: 'DATE' },
    compress: { kind: 'count', description: 'Divide waits by this (default: they take about twenty seconds)', value: 'N' },
    fail: {
      kind: 'text',
      description: `Where the first of two rotations fails and comes back: ${FAILS.join(', ')}; ${NONE}: only one, which completes (default rolling)`,
      value: 'PHASE',
    },
    report: { kind: 'text', description: 'Write the report into this file too, as Markdown', value: 'FILE' },
  },
  async handler(context, _, { line: named, at, compress, fail: failText, report }): Promise<ExitCode> {
    const asked = failOf(failText);
    if (compress === 0) throw new ResealError('USAGE', '--compress is 0; waits are divided by it, so it takes 1 or more.');
    const now = context.now();
    const date = dateOf(at);
    const signal = context.interrupted();
    const folder = await configFolderToRead(context);
    const home = await rehearsalHome();
    let view: RehearsalView | null = null;
    try {
      const line = await readTeam({ folder, line: named, at: date, now, clones: home.folder });
      const { policy, nodes } = line.forecast;
      const fail = possible(line, asked);
      const factor = compress ?? watchableFactor(policy);
      announce(context, line, factor, fail, nodes.length);
      const { rehearse } = await import('../rehearsal/rehearse.js');
      const { output } = context;
      const rehearsal = await rehearse({
        ...{ line, factor, fail, home: home.folder, program: resealProgram(), env: context.env, signal },
        onProgress: (text) => { output.progress(text); }, // prettier-ignore
        onRun: (fault) => { if (!output.json) output.say(`\n${fault === null ? 'Nothing is broken on purpose:' : `On purpose: ${fault}.`}`); }, // prettier-ignore
        onEvent: (event) => { if (!output.json) output.say(eventText(eventView(event), output)); }, // prettier-ignore
      });
      view = rehearsal === null ? null : rehearsalView(rehearsal);
    } finally {
      await home.remove();
    }
    if (view === null) {
      context.output.diagnostic('The rehearsal was ended before its time; nothing is left of it.');
      return 1;
    }
    return told(context, view, report);
  },
});

function failOf(text: string | undefined): Fail | typeof NONE | undefined {
  if (text === undefined || text === NONE) return text;
  const fail = FAILS.find((one) => one === text);
  if (fail === undefined) throw new ResealError('USAGE', `--fail takes ${FAILS.join(', ')} or ${NONE}, not ${text}.`);
  return fail;
}

/** @throws ResealError USAGE */
function dateOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new ResealError('USAGE', `--at is ${JSON.stringify(text)}; give a date like 2026-11-29 or 2026-11-29T09:00:00Z.`);
  return time;
}

/** By itself it fails while rolling, or in the canary where that is the whole mesh. */
function possible({ forecast: { cohorts } }: TeamLine, asked: Fail | typeof NONE | undefined): Fail | null {
  if (asked === NONE) return null;
  if (asked === undefined) return mayFail(cohorts, 'rolling') ? 'rolling' : 'canary';
  if (!mayFail(cohorts, asked))
    throw new ResealError(
      'USAGE',
      '--fail rolling needs nodes that switch after the canary, and the canary is the whole mesh. Take --fail canary.',
    );
  return asked;
}

function announce({ output, now }: Context, { forecast }: TeamLine, factor: number, fail: Fail | null, nodes: number): void {
  const { policy } = forecast;
  const shorter = compressWaits(policy, factor);
  const lasts = estimate(nodes, waitsOf(shorter), fail === null ? 1 : 2);
  output.say(`Rehearsing ${forecast.line} on ${nodes} simulated nodes, as if it were ${output.time(forecast.at, now())}.`);
  output.say(
    `${fail === null ? 'One rotation' : `Two rotations, of which the first fails (${fail}) and comes back`}; ${describeDuration(waitsOf(policy))} of waiting become ${describeDuration(waitsOf(shorter))} (1:${factor}). It takes about ${describeDuration(Math.round(lasts / 10_000) * 10_000)}.`,
  );
}

async function told({ output, now, cwd }: Context, view: RehearsalView, report: string | undefined): Promise<ExitCode> {
  const time = now();
  if (report !== undefined) {
    const path = isAbsolute(report) ? report : resolve(cwd, report);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const markdown = rehearsalMarkdown(view, (at) => output.time(at, time), zone);
    await replaceFile(path, await bytesOrNone(path), Buffer.from(markdown));
  }
  if (!output.json) output.say('');
  output.show(view, () => rehearsalText(view, output, time));
  if (report !== undefined) output.diagnostic(`The report is in ${report}.`);
  return view.verdict === 'pass' ? 0 : 1;
}
