import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configurationFolder } from '../configuration/load.js';
import { homeFolder, theRunningOne, type Running, type Where } from './home.js';

type Named = Where & {
  /** `--config` */
  readonly config: string | undefined;
};

const set = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
const configNamed = ({ config, env }: Named): boolean => (config ?? set(env['RESEAL_CONFIG'])) !== undefined;
const homeNamed = ({ home, env }: Named): boolean => (home ?? set(env['RESEAL_HOME'])) !== undefined;
const holdsConfiguration = (folder: string): boolean => existsSync(join(folder, 'topology.yaml'));

/**
 * `--config`, else `RESEAL_CONFIG`, else `<home>/config` of a home that was named and has one (a demo's mesh), else `./reseal`; absolute.
 */
export function configFolder(context: Named): string {
  const ofHome = join(homeFolder(context.home, context.env, context.cwd), 'config');
  if (!configNamed(context) && homeNamed(context) && holdsConfiguration(ofHome)) return ofHome;
  return configurationFolder(context.config, context.env, context.cwd);
}

const configOf = ({ home, endpoint }: Running): string => endpoint.config ?? join(home, 'config');

/**
 * For commands that write nothing: what is named, else the configuration of the reseal that runs on the home that is named, else `./reseal`
 * where there is one, else that of the reseal that runs, which is the one that all other commands ask. What writes never takes
 * its store from what happens to run.
 *
 * @throws ResealError USAGE where two run and nothing says which is meant
 */
export async function configFolderToRead(context: Named): Promise<string> {
  const folder = configFolder(context);
  if (configNamed(context)) return folder;
  // Who asks one elsewhere (RESEAL_URL) does not mean the one that runs here.
  const elsewhere = set(context.env['RESEAL_URL']) !== undefined;
  if (!homeNamed(context) && (elsewhere || holdsConfiguration(folder))) return folder;
  const running = await theRunningOne(context);
  return running === null ? folder : configOf(running);
}
