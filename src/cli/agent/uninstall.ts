import { defineCommand } from '../command.js';
import { LAUNCHD_OPTIONS, onlyOnAMac, planOf, shellLine } from './plan.js';
import { removeServices, runCommand } from './services.js';

export const command = defineCommand({
  description: 'Take agent and canary process away from launchd',
  arguments: {},
  options: LAUNCHD_OPTIONS,
  async handler(context, _, options) {
    const plan = planOf(context, options);
    if (!options.print) {
      onlyOnAMac('removed');
      removeServices(plan, runCommand);
    }
    const { files, unload } = plan;
    const paths = files.map(({ path }) => path);
    const view = { schemaVersion: 1, removed: !options.print, files: paths, commands: [...unload, ['rm', '-f', ...paths]] };
    context.output.show(view, () =>
      options.print ? ['# As root:', ...view.commands.map(shellLine)] : paths.map((path) => `${path} is gone, and what it ran has ended.`),
    );
  },
});
