import { readSource } from '../../configuration/document.js';
import { type Configuration, loadConfiguration } from '../../configuration/load.js';
import { type Place, reviewTopology } from '../../domain/topology-review/review.js';
import { topologyCheckText } from '../../presenters/topology-text.js';
import { topologyCheckView } from '../../presenters/topology.js';
import { defineCommand } from '../command.js';
import { configFolderToRead } from '../config-folder.js';

/** Stores and sources on this machine; what is reached by an address is not judged. */
function placesOf({ reseal }: Configuration): Place[] {
  const stores = Object.entries(reseal.stores).flatMap(([name, store]): Place[] =>
    store.kind === 'git' ? [{ kind: 'store', name, path: store.url }] : [],
  );
  const sources = Object.entries(reseal.sources).map(([name, { path }]): Place => ({ kind: 'source', name, path }));
  return [...stores, ...sources].filter(({ path }) => path.startsWith('/'));
}

export const command = defineCommand({
  description: 'Check what topology.yaml declares, without asking a node; exit 1 on an error',
  arguments: {},
  options: {},
  async handler(context) {
    const folder = await configFolderToRead(context);
    const configuration = loadConfiguration(folder);
    const { topology, roster, policy, paths } = configuration;
    const findings = reviewTopology({ topology, roster, places: placesOf(configuration), wipeable: policy.wipeable });
    const source = readSource('topology.yaml', paths.topology)?.file;
    const view = topologyCheckView(folder, topology, findings, (path) => `topology.yaml:${source?.lineOf(path) ?? 1}`);
    context.output.show(view, () => topologyCheckText(view, context.output));
    return view.verdict === 'pass' ? 0 : 1;
  },
});
