import { defineCommand } from '../command.js';
import { LAUNCHD_OPTIONS, onlyOnAMac, planOf, shellLine } from './plan.js';
import { putServices, runCommand } from './services.js';

export const command = defineCommand({
  description: 'Have launchd keep the agent of this Mac running, and its canary process where one is configured',
  arguments: {},
  options: LAUNCHD_OPTIONS,
  async handler(context, _, options) {
    const plan = planOf(context, options);
    if (!options.print) {
      onlyOnAMac('installed');
      putServices(plan, runCommand);
    }
    const { files, prepare, load } = plan;
    const view = { schemaVersion: 1, installed: !options.print, files, commands: [...prepare, ...load] };
    context.output.show(view, () =>
      options.print
        ? [
            ...files.flatMap(({ path, owner, text }) => [`# ${path} (owner ${owner}, mode 0644)`, ...text.trimEnd().split('\n'), '']),
            '# As root, once the files are there:',
            ...[...prepare, ...load].map(shellLine),
          ]
        : files.map(({ path }) => `${path} is there, and launchd runs it.`),
    );
  },
});
