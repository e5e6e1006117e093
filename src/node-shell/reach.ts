import type { NodeName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { NodeDeclaration } from '../domain/topology.js';
import type { NodeShell } from './contract.js';
import { realFileSystem } from './file-system.js';
import { LocalNode } from './local.js';
import type { Place } from './place.js';
import { withVolumes } from './simulated-volumes.js';
import { SshNode } from './ssh/node.js';
import { SshSessions } from './ssh/sessions.js';
import { SSH_DEFAULTS, type SshSettings } from './ssh/settings.js';

/** Reaches nodes from this machine. */
export interface NodeReach {
  /** @throws ResealError REFUSED for a node that others serve */
  files(node: NodeDeclaration): NodeShell;
  /** Ends every connection. */
  close(): void;
}

/** Of every node that an installation's own worker serves, each the way that it is declared. */
export function reachNodes(ssh: SshSettings = SSH_DEFAULTS): NodeReach {
  const sessions = new SshSessions(ssh);
  return {
    files: ({ name, reach }) => {
      switch (reach.kind) {
        case 'local':
          return new LocalNode(name, reach.home, withVolumes(reach.home, realFileSystem));
        case 'ssh': {
          const { host, port, user } = reach;
          return new SshNode({ node: name, host, port, user }, sessions);
        }
        case 'agent':
          throw new ResealError('REFUSED', `Node ${name} is served by the agent on it alone, and an order for it came to another worker.`);
      }
    },
    close: () => sessions.close(),
  };
}

/** Of the hosts of one region alone, over SSH. */
export function reachRegion(region: string, ssh: SshSettings = SSH_DEFAULTS): NodeReach {
  const all = reachNodes(ssh);
  return {
    files: (node) => {
      if (node.reach.kind === 'ssh' && node.region === region) return all.files(node);
      throw new ResealError(
        'REFUSED',
        `This is the gateway of ${region}, and node ${node.name} is no host of that region: it was not touched.`,
      );
    },
    close: () => all.close(),
  };
}

/** Of the Mac that this process runs on. */
export function reachOnly(own: NodeName, place: Place): NodeReach {
  const shell = new LocalNode(own, place);
  return {
    files: ({ name, reach }) => {
      if (name !== own) throw new ResealError('REFUSED', `This is the agent of ${own}, and the order is for ${name}: nothing was touched.`);
      if (reach.kind !== 'agent')
        throw new ResealError(
          'REFUSED',
          `Node ${name} is declared with reach: ${reach.kind}, and the order came to its agent: nothing was touched.`,
        );
      return shell;
    },
    close: () => undefined,
  };
}
