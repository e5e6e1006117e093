import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configurationFolder } from '../configuration/load.js';
import { homeFolder } from './home.js';

/**
 * `--config`, else `RESEAL_CONFIG`, else `<home>/config` of a home that was named and has one (a demo's mesh), else `./reseal`; absolute.
 */
export function configFolder(context: {
  readonly config: string | undefined;
  readonly home: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}): string {
  const named = context.config ?? set(context.env['RESEAL_CONFIG']);
  const ofHome = join(homeFolder(context.home, context.env, context.cwd), 'config');
  const homeNamed = context.home !== undefined || set(context.env['RESEAL_HOME']) !== undefined;
  if (named === undefined && homeNamed && existsSync(join(ofHome, 'topology.yaml'))) return ofHome;
  return configurationFolder(context.config, context.env, context.cwd);
}

const set = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
