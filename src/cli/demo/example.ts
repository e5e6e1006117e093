import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ResealError } from '../../domain/errors.js';
import { TOPOLOGY_EXAMPLES, type TopologyExample } from '../../simulator/mesh/examples.js';

export const EXAMPLE_NAMES = TOPOLOGY_EXAMPLES.map(({ name }) => name).sort();

/** An example, and where its configuration is. */
export interface FoundExample {
  readonly example: TopologyExample;
  readonly folder: string;
}

/**
 * The example of this name, which the package brings along.
 * @param project the folder that holds package.json
 * @throws ResealError USAGE, FILE_UNREADABLE
 */
export function exampleOf(name: string, project: string): FoundExample {
  const example = TOPOLOGY_EXAMPLES.find((one) => one.name === name);
  if (example === undefined) throw new ResealError('USAGE', `--example takes ${EXAMPLE_NAMES.join(', ')}, not ${name}.`);
  const folder = join(project, 'examples', 'topologies', name);
  if (!existsSync(join(folder, 'topology.yaml')))
    throw new ResealError('FILE_UNREADABLE', `The example ${name} is missing: ${join(folder, 'topology.yaml')}. It comes with reseal.`);
  return { example, folder };
}
