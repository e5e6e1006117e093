import { join, resolve } from 'node:path';
import { readArtifact } from '../artifact/read-artifact.js';
import { readBuildLog } from '../artifact/build-log.js';
import { exportOptionsIn, readExportFolder, readExportOptions } from '../artifact/export-folder.js';
import { readRenderedSettings } from '../artifact/rendered-settings.js';
import { readSmallFile } from '../artifact/small-file.js';
import { macTools } from '../artifact/tools.js';
import { ResealError } from '../domain/errors.js';
import { chosenConfigurations, gapsIn } from '../domain/project-configurations.js';
import { NO_REQUEST, readBuildArguments, together, type BuildRequest } from '../domain/triage/build-request.js';
import type { CiFile, ComparedNode, ExportFolder, ExportOptions, NodeComparison, ProjectLook } from '../domain/triage/input.js';
import { triage } from '../domain/triage/triage.js';
import { shellWords } from '../domain/triage/words.js';
import { nodeDiff } from '../presenters/node-diff.js';
import type { NodeView } from '../presenters/node.js';
import { triageText } from '../presenters/triage-text.js';
import { triageView } from '../presenters/triage.js';
import { readXcodeProject } from '../xcode-project/read-project.js';
import { defineCommand, type Context } from './command.js';
import { refuseConfigurationsAlone } from './manifest/apps.js';
import { readNamed } from './manifest/read.js';
import { readNodes } from './node/read.js';
import { rootsOf } from './profile/roots.js';

/** CI files are written by people. */
const MOST_CI_FILE = 4 * 1_048_576;

export const command = defineCommand({
  description:
    'Find out why signing failed, or will: profiles, identities, settings, signatures, nodes, in this order; exit 1 on a finding',
  arguments: {},
  options: {
    app: { kind: 'text', value: 'PATH', description: 'An .ipa, .xcarchive, .app or .appex' },
    buildArgs: {
      kind: 'list',
      value: 'WORDS',
      description: 'The arguments of xcodebuild, in quotes: "-scheme Courier CODE_SIGN_STYLE=Manual"',
    },
    buildLog: { kind: 'text', value: 'FILE', description: 'The log of xcodebuild, as it came' },
    project: { kind: 'text', value: 'PATH', description: 'The Xcode project: an .xcodeproj, or a folder with one' },
    configuration: { kind: 'list', value: 'NAME', description: 'Build configurations of the project; by default Release' },
    ci: { kind: 'list', value: 'FILE', description: 'CI files: workflows, Fastfiles, scripts' },
    manifest: { kind: 'text', value: 'MANIFEST', description: 'What should be in force: a path, a SHA-256, or a line (its head)' },
    export: { kind: 'text', value: 'DIR', description: 'The export directory; its .ipa is looked at where --app names none' },
    node: { kind: 'text', value: 'NODE', description: 'The node that fails' },
    against: { kind: 'text', value: 'NODE', description: 'A node that passes' },
  },
  async handler(context, _, options) {
    refuseNothing(options);
    const request = await requestOf(context, options.buildArgs, options.buildLog);
    const exported = await exportedOf(context, options.export);
    const path = options.app ?? onlyIpa(options.export, exported);
    const tools = macTools(context.env, context.cwd);
    const artifact =
      path === null
        ? null
        : await readArtifact(resolve(context.cwd, path), { named: path, roots: rootsOf(context), lookCloser: tools.lookCloser });
    const nodes = options.node === undefined ? null : await compared(context, options.node, options.against ?? '');
    const result = triage({
      at: context.now(),
      artifact,
      request,
      manifest: options.manifest === undefined ? null : (await readNamed(context, options.manifest)).manifest,
      identities:
        artifact === null && request === null
          ? { state: 'none', reason: 'no artifact and no build was given to compare them with (--app, --build-args, --build-log)' }
          : await tools.identities(),
      project: await projectOf(context, options, request),
      ciFiles: await Promise.all(options.ci.map((name) => ciFile(context, name))),
      nodes,
      exported,
      exportOptions: await exportOptionsOf(context, options.export, request),
    });
    const view = triageView(result, artifact, path ?? '');
    context.output.show(view, () => triageText(view, context.output));
    return result.verdict === 'ok' ? 0 : 1;
  },
});

type Given = Readonly<Record<'app' | 'buildLog' | 'project' | 'export' | 'node' | 'against', string | undefined>> &
  Readonly<Record<'buildArgs' | 'configuration' | 'ci', readonly string[]>>;

function refuseNothing({ app, buildArgs, buildLog, project, configuration, ci, export: exported, node, against }: Given): void {
  if ((node === undefined) !== (against === undefined))
    throw new ResealError('USAGE', '--node names the node that fails and --against one that passes: give both, or neither.');
  refuseConfigurationsAlone({ project, configuration });
  if ([app, buildLog, project, exported, node].every((one) => one === undefined) && buildArgs.length === 0 && ci.length === 0)
    throw new ResealError(
      'USAGE',
      'Nothing to look at: give --app, --build-args, --build-log, --project, --ci, --export, or --node with --against.',
    );
}

/** Command line, log and rendered settings as one; null where none was given. */
async function requestOf(context: Context, words: readonly string[], log: string | undefined): Promise<BuildRequest | null> {
  if (words.length === 0 && log === undefined) return null;
  const logged = log === undefined ? NO_REQUEST : await readBuildLog(resolve(context.cwd, log), log);
  const request = together(logged, readBuildArguments(words.flatMap(shellWords)));
  const settings = request.options.get('-xcconfig');
  const rendered = settings === undefined ? null : await readRenderedSettings(resolve(context.cwd, settings), settings);
  return rendered === null ? request : together(request, rendered);
}

/** The project in the configurations that are named, else in the one that the build asks for. */
async function projectOf(
  context: Context,
  { project: named, configuration }: Pick<Given, 'project' | 'configuration'>,
  request: BuildRequest | null,
): Promise<ProjectLook | null> {
  if (named === undefined) return null;
  const project = await readXcodeProject(resolve(context.cwd, named));
  const asked = request?.options.get('-configuration');
  const configurations = chosenConfigurations(project, configuration.length > 0 || asked === undefined ? configuration : [asked]);
  const targets = project.targets.filter((target) => configurations.includes(target.configuration));
  return { targets, gaps: gapsIn(project, configurations, targets) };
}

const exportedOf = async (context: Context, named: string | undefined): Promise<ExportFolder | null> =>
  named === undefined ? null : readExportFolder(resolve(context.cwd, named), named);

function onlyIpa(named: string | undefined, exported: ExportFolder | null): string | null {
  const [ipa, ...more] = exported?.ipas ?? [];
  return named === undefined || ipa === undefined || more.length > 0 ? null : join(named, ipa);
}

async function exportOptionsOf(context: Context, named: string | undefined, request: BuildRequest | null): Promise<ExportOptions | null> {
  const left = named === undefined ? null : await exportOptionsIn(resolve(context.cwd, named), named);
  const asked = request?.options.get('-exportOptionsPlist');
  return left ?? (asked === undefined ? null : readExportOptions(resolve(context.cwd, asked), asked));
}

async function ciFile(context: Context, name: string): Promise<CiFile> {
  const bytes = await readSmallFile(resolve(context.cwd, name), name, MOST_CI_FILE);
  if (bytes === null) throw new ResealError('FILE_UNREADABLE', `There is no ${name}; expected a CI file. Check the path.`);
  return { name, text: bytes.toString('utf8') };
}

async function compared(context: Context, failing: string, passing: string): Promise<NodeComparison> {
  const [one, other] = await readNodes(context, [failing, passing], undefined);
  if (one === undefined || other === undefined)
    throw new ResealError('INTERNAL', 'The control API answered without the nodes that it was asked for.');
  return { failing: comparedNode(one), passing: comparedNode(other), differences: nodeDiff(one, other).differences };
}

const comparedNode = ({ name, lines }: NodeView): ComparedNode => ({
  name,
  lines: lines.map(({ line, verdict, reason, identities, problems }) => ({
    line,
    verdict,
    reason,
    usableIdentities: identities?.usable ?? null,
    problems: problems.map(({ check, reason: why }) => ({ check, reason: why })),
  })),
});
