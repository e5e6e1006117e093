import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase } from '../../src/domain/rotation/phases.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import type { NodeOperationName } from './interference.js';

/** In run order; every one of them is met while the rotation is in it. */
export const EVERY_PHASE: readonly Phase[] = [
  'awaiting-successor',
  'preflight',
  'staging',
  'canary',
  'awaiting-signoff',
  'rolling',
  'cutover',
  'soaking',
  'retiring',
];

/** The node operation that is held once a phase has been met, so that the next phase with one does not end before it is met as well. */
const HELD_AFTER: Partial<Record<Phase, NodeOperationName | ''>> = {
  preflight: 'stage',
  staging: 'switch',
  canary: '',
  'awaiting-signoff': 'switch',
  rolling: '',
  cutover: 'retire',
  retiring: '',
};

/** Lets node operations wait while `file` names them. */
export const heldBy =
  (file: string) =>
  async (operation: NodeOperationName): Promise<void> => {
    while (existsSync(file) && readFileSync(file, 'utf8') === operation) await sleep(50);
  };

/**
 * Holds a rotation in each phase until it has been met there: there are no successors until it was in `awaiting-successor`, node operations wait
 * (`heldBy`), and somebody else holds the store's branch while it is in `cutover`.
 */
export class Obstacles {
  constructor(private readonly folders: SimulatedMesh['folders']) {
    renameSync(folders.drop, this.withheld);
    mkdirSync(folders.drop);
    this.hold('inspect');
  }

  /** What `heldBy` looks at. */
  static fileOf(folders: SimulatedMesh['folders']): string {
    return join(dirname(folders.config), 'held-operation');
  }

  private hold(operation: NodeOperationName | ''): void {
    const file = Obstacles.fileOf(this.folders);
    writeFileSync(`${file}.new`, operation);
    renameSync(`${file}.new`, file);
  }

  private get withheld(): string {
    return `${this.folders.drop}.withheld`;
  }

  private get lock(): string {
    return join(dirname(this.folders.config), 'store.git', 'refs', 'heads', 'main.lock');
  }

  /** The rotation has been met in the phase, and may go on to the next one. */
  letGoOf(phase: Phase): void {
    if (phase === 'awaiting-successor')
      for (const name of readdirSync(this.withheld)) renameSync(join(this.withheld, name), join(this.folders.drop, name));
    if (phase === 'rolling') writeFileSync(this.lock, '');
    const held = HELD_AFTER[phase];
    if (held !== undefined) this.hold(held);
    if (phase === 'cutover') rmSync(this.lock);
  }
}
