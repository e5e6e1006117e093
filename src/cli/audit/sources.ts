import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import { anchoredOn } from '../../../activities/audit/anchored.js';
import { loadConfiguration } from '../../configuration/load.js';
import type { KnownHead } from '../../domain/audit/verify.js';
import type { LineName } from '../../domain/brands.js';
import { auditFolder } from '../../temporal/audit/hold-chain.js';
import type { Context } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { homeFolder, runningOn } from '../home.js';

/** The home whose chains are meant: the one that is named, else that of the reseal that runs, else the default one. */
export async function auditedHome(context: Context): Promise<string> {
  const own = homeFolder(context.home, context.env, context.cwd);
  if (context.home !== undefined || (context.env['RESEAL_HOME'] ?? '') !== '' || existsSync(auditFolder(own))) return own;
  return (await runningOn(context))[0]?.home ?? own;
}

/** Where the chains lie that are meant. @param named instead of those of a home */
export const chainsFolder = async (context: Context, named: string | undefined): Promise<string> =>
  named === undefined ? auditFolder(await auditedHome(context)) : resolve(context.cwd, named);

/** The heads that rotations have anchored in the stores of the configuration. @throws ResealError CONFIG_MISSING, STORE_UNREACHABLE */
export async function anchoredHeads(context: Context, home: string): Promise<readonly KnownHead[]> {
  const { reseal, topology } = loadConfiguration(await configFolderToRead(context));
  const known: KnownHead[] = [];
  for (const name of Object.keys(reseal.stores)) {
    const store = await openDeclaredStore(reseal, name, home);
    try {
      const lines = Object.entries(topology.lines).filter(([, line]) => line.store === name);
      for (const [line] of lines) known.push(...(await anchoredOn(store, line as LineName)));
    } finally {
      await store.close();
    }
  }
  return known;
}
