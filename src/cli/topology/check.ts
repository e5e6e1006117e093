import { readSource } from '../../configuration/document.js';
import { loadConfiguration } from '../../configuration/load.js';
import { reviewTopology } from '../../domain/topology-review/review.js';
import { topologyCheckText } from '../../presenters/topology-text.js';
import { topologyCheckView } from '../../presenters/topology.js';
import { defineCommand } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { localPlaces } from '../local-places.js';

export const command = defineCommand({
  description: 'Check what topology.yaml declares, without asking a node; exit 1 on an error',
  arguments: {},
  options: {},
  async handler(context) {
    const folder = await configFolderToRead(context);
    const configuration = loadConfiguration(folder);
    const { topology, roster, policy, paths } = configuration;
    const findings = reviewTopology({ topology, roster, places: localPlaces(configuration), wipeable: policy.wipeable });
    const source = readSource('topology.yaml', paths.topology)?.file;
    const view = topologyCheckView(folder, topology, findings, (path) => `topology.yaml:${source?.lineOf(path) ?? 1}`);
    context.output.show(view, () => topologyCheckText(view, context.output));
    return view.verdict === 'pass' ? 0 : 1;
  },
});
