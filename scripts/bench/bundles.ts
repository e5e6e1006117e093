import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from '../../src/temporal/workers.js';

/** Files that hold the workflows, as the build makes one: bundling is no part of a worker's memory or time. */
export interface Bundles {
  readonly reseal: string;
  readonly floor: string;
}

export async function makeBundles(folder: string): Promise<Bundles> {
  const make = async (name: string, source: string): Promise<string> => {
    const path = join(folder, `${name}.js`);
    const { code } = await bundleWorkflows(fileURLToPath(new URL(source, import.meta.url)));
    writeFileSync(path, code);
    return path;
  };
  return { reseal: await make('reseal', '../../workflows/index.ts'), floor: await make('floor', './floor-workflow.ts') };
}
