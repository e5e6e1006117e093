import { relative, resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { withSection } from '../../presenters/marked-section.js';
import { topologyMarkdown } from '../../presenters/topology-markdown.js';
import { unifiedDiff } from '../../presenters/unified-diff.js';
import { defineCommand } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { bytesOrNone, replaceFile } from '../replace-file.js';

const HEADING = 'Signing topology';

/** What `topology render` prints. */
interface TopologyRenderView {
  readonly schemaVersion: 1;
  readonly file: string;
  /** Whether the file does not say what topology.yaml says: before writing, or with `--check` still. */
  readonly differs: boolean;
  readonly written: boolean;
  /** Unified; empty where nothing differs. */
  readonly diff: string;
}

function textOf(view: TopologyRenderView): string {
  if (!view.differs) return `${view.file} says what topology.yaml declares.`;
  if (view.written) return `Wrote the topology into ${view.file}.`;
  // A terminal is not shown carriage returns; the document with --json has them.
  return view.diff.replace(/\n$/, '').replaceAll('\r', '');
}

export const command = defineCommand({
  description: 'Write the topology into a README between its markers; with --check exit 1 when it differs',
  arguments: { file: { kind: 'text', description: 'Markdown file (default README.md)' } },
  options: {
    check: { kind: 'flag', description: 'Write nothing: show how the file differs' },
    add: { kind: 'flag', description: 'Where there are no markers, put a section at the end; make the file if there is none' },
  },
  async handler(context, { file = 'README.md' }, { check, add }) {
    if (check && add) throw new ResealError('USAGE', '--check writes nothing and --add writes: give one of them.');
    const { topology } = loadConfiguration(await configFolderToRead(context));
    const path = resolve(context.cwd, file);
    const before = await bytesOrNone(path);
    if (before === null && !add)
      throw new ResealError(
        'NOT_FOUND',
        `There is no ${file} in ${context.cwd}. Name the file, or let --add make it with a section of its own.`,
      );
    const after = withSection(before ?? Buffer.alloc(0), file, topologyMarkdown(topology), add ? { heading: HEADING } : null);
    const differs = before === null || !before.equals(after);
    const written = differs && !check;
    if (written) await replaceFile(path, before, after);
    const diff = differs
      ? unifiedDiff((before ?? Buffer.alloc(0)).toString('utf8'), after.toString('utf8'), relative(context.cwd, path))
      : '';
    const view: TopologyRenderView = { schemaVersion: 1, file, differs, written, diff };
    context.output.show(view, textOf);
    if (differs && check && !context.output.json)
      context.output.diagnostic(`${file} differs from topology.yaml. Run \`reseal topology render ${file}\`, and commit what it writes.`);
    return differs && check ? 1 : 0;
  },
});
