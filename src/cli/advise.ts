import { basename, resolve } from 'node:path';
import { readSource, validate } from '../configuration/document.js';
import { describeFinding, type Finding } from '../configuration/finding.js';
import { CADENCES, COMPLIANCES, TEAMS } from '../domain/advice-rows.js';
import { advise, type Asked, type Telemetry } from '../domain/advice.js';
import { ResealError } from '../domain/errors.js';
import { adviceText } from '../presenters/advice-text.js';
import { adviceView } from '../presenters/advice.js';
import { TelemetrySchema } from '../schema/telemetry.js';
import { defineCommand } from './command.js';

const OPTION = { team: '--team-size', cadence: '--cadence' } as const;

function oneOf<T extends string>(option: string, words: readonly T[], given: string, also = ''): T {
  const word = words.find((one) => one === given);
  if (word !== undefined) return word;
  throw new ResealError('USAGE', `${option} is ${JSON.stringify(given)}; expected one of ${words.join(', ')}${also}.`);
}

function teamOf(given: string): NonNullable<Asked['team']> {
  if (/^[1-9][0-9]{0,5}$/.test(given)) return Number(given);
  return oneOf('--team-size', TEAMS, given, ', or how many people change the apps, a whole number from 1');
}

function telemetryOf(path: string, named: string): Telemetry {
  const refuse = (findings: readonly Finding[]): never => {
    throw new ResealError('CONFIG_INVALID', `${named} is not of the form that telemetry has (docs/schemas/telemetry.schema.json).`, {
      details: findings.map(describeFinding),
    });
  };
  let source: ReturnType<typeof readSource>;
  try {
    source = readSource(basename(path), path);
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${named} cannot be read; expected a YAML or JSON file with telemetry.`, { cause: error });
  }
  if (source === null)
    throw new ResealError(
      'FILE_UNREADABLE',
      `There is no ${named}; expected a YAML or JSON file with telemetry, like examples/telemetry.yaml.`,
    );
  if (source.findings.length > 0) return refuse(source.findings);
  const result = validate(source.file, TelemetrySchema);
  return 'value' in result ? result.value : refuse(result.findings);
}

export const command = defineCommand({
  description: 'Say which topology to begin with for a team, and what it trades for what',
  arguments: {},
  options: {
    teamSize: { kind: 'text', description: `${TEAMS.join(', ')}, or a number of people`, value: 'TEAM' },
    compliance: { kind: 'text', description: COMPLIANCES.join(', '), required: true, value: 'LEVEL' },
    cadence: { kind: 'text', description: CADENCES.join(', '), value: 'CADENCE' },
    telemetry: { kind: 'text', description: 'Your own measurements, YAML or JSON: team size, releases, queue, bands', value: 'FILE' },
  },
  async handler(context, _, { teamSize, compliance, cadence, telemetry: file }) {
    const asked: Asked = {
      ...(teamSize === undefined ? {} : { team: teamOf(teamSize) }),
      compliance: oneOf('--compliance', COMPLIANCES, compliance),
      ...(cadence === undefined ? {} : { cadence: oneOf('--cadence', CADENCES, cadence) }),
    };
    const telemetry = file === undefined ? null : telemetryOf(resolve(context.cwd, file), file);
    const advice = advise(asked, telemetry);
    if ('untold' in advice) {
      const options = advice.untold.map((one) => OPTION[one]).join(' and ');
      throw new ResealError('USAGE', `Give ${options}, or --telemetry with a file that measures what is not given.`);
    }
    const view = adviceView(advice, telemetry);
    context.output.show(view, () => adviceText(view, context.output));
  },
});
