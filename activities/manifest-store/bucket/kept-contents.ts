import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '../../../src/domain/brands.js';
import { sha256Of } from '../../../src/manifest/digest.js';

/** Content by digest on a disk of this machine, so that a rollback needs no bucket. It can be removed at any time. */
export class KeptContents {
  constructor(
    /** Absolute. */
    private readonly folder: string,
  ) {}

  /** null where there is none, and where what is there is not what its name says. */
  async get(digest: Sha256): Promise<Uint8Array | null> {
    const bytes = await readFile(join(this.folder, digest)).catch(() => null);
    return bytes !== null && sha256Of(bytes) === digest ? bytes : null;
  }

  /** A disk that takes nothing costs one more look into the bucket, later, and is no reason to fail now. */
  async put(digest: Sha256, bytes: Uint8Array): Promise<void> {
    const fresh = join(this.folder, `.${digest.slice(0, 16)}-${randomUUID()}`);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(fresh, bytes, { mode: 0o600 });
      await rename(fresh, join(this.folder, digest));
    } catch {
      await rm(fresh, { force: true }).catch(() => undefined);
    }
  }
}
