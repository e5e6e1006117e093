import type { Instant } from '../../../src/domain/brands.js';
import { aliasedIdentities } from '../../../src/domain/expected.js';
import type { CheckResult } from '../../../src/domain/node/probe.js';
import { judgeSidecar } from '../../../src/domain/node/sidecar.js';
import { askAliases } from '../../../src/sidecar/client.js';
import type { KnownManifest } from '../frozen-contents.js';
import type { NodeSession } from '../session.js';
import { judged, notDue } from './check.js';

/** The line's sidecar answers on this node, and holds the key of each identity with which manifests have it sign. */
export async function sidecar(session: NodeSession, manifests: readonly KnownManifest[], now: Instant): Promise<CheckResult> {
  const { files, line, name, node, order, policy } = session;
  const identities = [...new Set(manifests.flatMap(({ manifest }) => aliasedIdentities(node, line, manifest)))];
  if (identities.length === 0) return notDue('sidecar', 'it needs no profile of the line');
  if (line.sidecar === undefined) return judged(session, 'sidecar', ['its line names no sidecar; say where it is in topology.yaml'], '');
  const seen = await askAliases((request) => files.askService(request), line.sidecar.socket, policy.probe.checkTimeout);
  if ('away' in seen) return judged(session, 'sidecar', [seen.away], '', 'inconclusive');
  const environment = node.environment === 'simulated' ? 'simulated' : 'other';
  return judgeSidecar({ node: node.name, line: name, environment, identities, now: now + order.offset }, seen);
}
