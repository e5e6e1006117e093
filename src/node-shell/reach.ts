import { ResealError } from '../domain/errors.js';
import type { NodeDeclaration } from '../domain/topology.js';
import type { NodeShell } from './contract.js';
import { LocalNode } from './local.js';
import { SshNode } from './ssh/node.js';
import { SshSessions } from './ssh/sessions.js';
import { SSH_DEFAULTS, type SshSettings } from './ssh/settings.js';

/** Reaches nodes from this machine, each the way that it is declared. */
export interface NodeReach {
  /** @throws ResealError NODE_UNREACHABLE where nobody here can */
  files(node: NodeDeclaration): NodeShell;
  /** Ends every connection. */
  close(): void;
}

export function reachNodes(ssh: SshSettings = SSH_DEFAULTS): NodeReach {
  const sessions = new SshSessions(ssh);
  return {
    files: ({ name, reach }) => {
      switch (reach.kind) {
        case 'local':
          return new LocalNode(name, reach.home);
        case 'ssh': {
          const { host, port, user } = reach;
          return new SshNode({ node: name, host, port, user }, sessions);
        }
        case 'agent':
          throw new ResealError(
            'NODE_UNREACHABLE',
            `Node ${name} is reached by an agent on it, and this version has none. Declare it with reach: ssh, and see docs/ssh.md.`,
          );
      }
    },
    close: () => sessions.close(),
  };
}
