import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ResealError } from '../../domain/errors.js';
import { TOPOLOGY_EXAMPLES, type TopologyExample } from '../../simulator/mesh/examples.js';

/** Examples that preflight refuses in this version, each with what is not there. */
const NOT_ROTATED_YET: Readonly<Record<string, string>> = {
  'hsm-sidecar': 'it speaks to no signing sidecar (identity: sidecar)',
};

export const EXAMPLE_NAMES = TOPOLOGY_EXAMPLES.map(({ name }) => name).sort();

/** An example, and where its configuration is. */
export interface FoundExample {
  readonly example: TopologyExample;
  readonly folder: string;
}

/**
 * The example of this name, which the package brings along.
 * @param project the folder that holds package.json
 * @throws ResealError USAGE, REFUSED where this version does not rotate it, FILE_UNREADABLE
 */
export function exampleOf(name: string, project: string): FoundExample {
  const example = TOPOLOGY_EXAMPLES.find((one) => one.name === name);
  if (example === undefined) throw new ResealError('USAGE', `--example takes ${EXAMPLE_NAMES.join(', ')}, not ${name}.`);
  const folder = join(project, 'examples', 'topologies', name);
  const missing = NOT_ROTATED_YET[name];
  if (missing !== undefined) {
    throw new ResealError(
      'REFUSED',
      `This version does not rotate ${name} yet: ${missing}. What it would mean is in ${join(folder, 'README.md')}; \`reseal topology check --config ${folder}\` checks it.`,
    );
  }
  if (!existsSync(join(folder, 'topology.yaml')))
    throw new ResealError('FILE_UNREADABLE', `The example ${name} is missing: ${join(folder, 'topology.yaml')}. It comes with reseal.`);
  return { example, folder };
}
