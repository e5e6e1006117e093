import type { ImpactView } from '../presenters/impact.js';
import { impactCsv, impactText } from '../presenters/impact-text.js';
import { ApiClient } from './api-client.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  description: 'Show what falls with a certificate, a profile or a node: nodes, pipelines, bundles, builds in flight, what to do next',
  arguments: {},
  options: {
    certificate: { kind: 'text', description: 'SHA-1, or serial number (its last 6 digits or more)', value: 'SHA1|SERIAL' },
    profile: { kind: 'text', description: 'UUID', value: 'UUID' },
    node: { kind: 'text', description: 'Node', value: 'NAME' },
    csv: { kind: 'flag', description: 'Print comma-separated values' },
  },
  async handler(context, _, { certificate, profile, node, csv }) {
    const asked = Object.entries({ certificate, profile, node }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
    const query = new URLSearchParams(asked as [string, string][]);
    const view = await (await ApiClient.find(context)).get<ImpactView>(`/v1/impact?${query.toString()}`);
    context.output.show(view, () => (csv ? impactCsv(view) : impactText(view, context.output, context.now())));
  },
});
