import type { RunningService, ServiceRequest } from '../api/service.js';
import { configFolder } from './config-folder.js';
import { claimHome, homeFolder, publishEndpoint, withdrawEndpoint } from './home.js';
import type { Context } from './command.js';

/** Runs parts of reseal on a home until Ctrl-C or until they fail. `ready` says what a person needs to know. */
export async function runService(
  context: Context,
  parts: ServiceRequest['parts'],
  ready: (service: RunningService) => readonly string[],
): Promise<void> {
  const home = homeFolder(context.home, context.env, context.cwd);
  const signal = context.interrupted();
  const release = parts.includes('api') ? claimHome(home) : () => undefined;
  try {
    const { startService } = await import('../api/service.js');
    const folder = configFolder(context);
    const service = await startService({
      ...{ folder, home, parts, env: context.env },
      onProgress: (line) => { context.output.progress(line); }, // prettier-ignore
      onTrouble: (sentence) => { context.output.diagnostic(sentence); }, // prettier-ignore
    });
    try {
      if (service.api !== null) publishEndpoint(home, { ...service.api, pid: process.pid, config: folder });
      for (const line of [...service.troubles, ...ready(service)]) context.output.diagnostic(line);
      await Promise.race([service.ended, aborted(signal)]);
    } finally {
      if (service.api !== null) withdrawEndpoint(home);
      await service.stop();
    }
  } finally {
    release();
  }
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => { resolve(); }, { once: true }); // prettier-ignore
  });

export function whereText(service: RunningService): string[] {
  return [
    ...(service.api === null ? [] : [`control API  ${service.api.url}`]),
    `Temporal     ${service.temporal.address}, namespace ${service.temporal.namespace}${service.temporal.adopted ? ' (left running by an earlier process; adopted)' : ''}`,
    ...(service.temporal.uiUrl === null ? [] : [`Temporal UI  ${service.temporal.uiUrl}`]),
  ];
}
