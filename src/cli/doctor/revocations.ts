import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import { withRemedy } from '../../../activities/revocations/in-force.js';
import { revocationJudges, storeNames, unique } from '../../../activities/revocations/known.js';
import type { Configuration } from '../../configuration/load.js';
import type { AdoptedRoster } from '../../domain/adopted-rosters.js';
import type { LineName } from '../../domain/brands.js';
import type { Manifest } from '../../domain/manifest.js';
import { revokedAmong, signingCertificates } from '../../domain/revocations.js';
import { parseManifest } from '../../manifest/parse.js';
import { adoptedRosters } from '../../statement/adopted-rosters.js';
import { judgedRevocations } from '../../statement/revocations.js';
import { fail, pass, settle, type DoctorCheck, type Finding } from './finding.js';

/** Whether any line signs with what is recorded as revoked. A store that is away is told by its own check, and has no part in this. */
export const checkRevocations = (configuration: Configuration, home: string, now: number): Promise<DoctorCheck> =>
  settle('revocations', () => judge(configuration, home, now));

async function judge(configuration: Configuration, home: string, now: number): Promise<Finding> {
  const { installation } = configuration.topology;
  const documents: unknown[] = [];
  let adopted: readonly AdoptedRoster[] | null = null;
  const inForce = new Map<LineName, Manifest>();
  for (const name of storeNames(configuration)) {
    const store = await openDeclaredStore(configuration.reseal, name, home);
    try {
      if (!(await store.isThere()) || (await store.trouble()) !== null) continue;
      documents.push(...(await store.revocations()));
      adopted ??= adoptedRosters(await store.rosters(installation), installation).steps;
      for (const [line, declared] of Object.entries(configuration.topology.lines)) {
        const head = declared.store === name ? await store.head(line as LineName) : null;
        if (head !== null) inForce.set(line as LineName, parseManifest(await store.manifest(head.digest), `manifests/${head.digest}.json`));
      }
    } finally {
      await store.close();
    }
  }
  const { revocations, unreadable } = judgedRevocations(unique(documents), revocationJudges(configuration, adopted ?? [], now));
  const dead = [...inForce].flatMap(([line, manifest]) =>
    revokedAmong(revocations, signingCertificates(manifest, manifest.profiles)).map((one) => withRemedy(line, one)),
  );
  if (dead.length > 0) return fail(dead.join('\n'), 'See reseal revoke list.');
  if (unreadable.length > 0)
    return fail(
      `${unreadable.length} of what the stores keep as revocations can be read by nobody: ${unreadable.join('; ')}`,
      "Look in the store's history who wrote it.",
    );
  return pass(revocations.length === 0 ? 'none is recorded' : `${revocations.length} recorded, of nothing that is in force`);
}
