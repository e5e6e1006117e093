import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { claim } from '../file-lock.js';

/** `<state>/agent.json`: where the agent of a node answers. */
export interface AgentFile {
  readonly schemaVersion: 1;
  readonly node: NodeName;
  readonly pid: number;
  readonly identity: string;
  /** Of the health endpoint. */
  readonly health: string;
}

/** The state folder of a node, held by this process alone until it is released, or the process ends in whatever way. */
export interface HeldState {
  publish(file: AgentFile): void;
  release(): void;
}

/** @throws ResealError SECOND_AGENT where another process of this machine holds it, NODE_WRITE_FAILED where it cannot be made */
export function holdState(node: NodeName, folder: string): HeldState {
  const path = join(folder, 'agent.json');
  const lock = taken(node, folder);
  return {
    publish: (file) => {
      writeFileSync(`${path}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
    release: () => {
      rmSync(path, { force: true });
      lock.release();
    },
  };
}

function taken(node: NodeName, folder: string): { release(): void } {
  let claimed;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    claimed = claim(join(folder, 'agent.lock'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ResealError('NODE_WRITE_FAILED', `Node ${node}: its state folder ${folder} cannot be used: ${reason}. Give it to the account of the agent.`, { cause }); // prettier-ignore
  }
  if ('release' in claimed) return claimed;
  throw new ResealError(
    'SECOND_AGENT',
    `Node ${node} has an agent already: process ${claimed.heldBy} holds ${folder}. End that one first, or give this agent its own node with --node.`,
  );
}
