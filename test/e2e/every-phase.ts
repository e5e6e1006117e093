import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Phase } from '../../src/domain/rotation/phases.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';

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

/**
 * Holds a rotation in the phases that take no time by themselves: there are no successors until it has been met in `awaiting-successor`, and
 * somebody else holds the store's branch while it is in `cutover`.
 */
export class Obstacles {
  constructor(private readonly folders: SimulatedMesh['folders']) {
    renameSync(folders.drop, this.withheld);
    mkdirSync(folders.drop);
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
    if (phase === 'cutover') rmSync(this.lock);
  }
}
