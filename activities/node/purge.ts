import type { Instant, Sha1, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { keychainName, keychainOf } from '../../src/domain/node/identities.js';
import { mayPurge, neededUntil, type KeptKeychain, type PurgeResult } from '../../src/domain/node/purge.js';
import { withLock } from '../../src/node-shell/lock.js';
import { identityTools, searchList } from './identities.js';
import { Journal } from './journal.js';
import { notedHorizon, retiredManifests } from './keychain-horizon.js';
import { manifestOnNode } from './manifest-on-node.js';
import type { NodeSession } from './session.js';
import { StateFile } from './state-file.js';

/**
 * Destroys the keychains that reseal made and nothing will need again. Not an order of a rotation: it takes the node's lock, leaves intent and result in
 * the journal, and owns no line by it, so that it disturbs no rotation.
 * @throws ResealError KEYCHAIN_FAILED, READ_BACK_FAILED, NODE_WRITE_FAILED
 */
export function purge(session: NodeSession, ticket: string, clock: () => Instant): Promise<PurgeResult> {
  const { files, paths, node } = session;
  return withLock(files, paths.stateFile('lock'), async () => {
    const identities = (await files.list(paths.keychainMarks)).filter((name) => /^[0-9a-f]{40}$/.test(name)) as Sha1[];
    if (identities.length === 0) return { purged: [], kept: [] };
    const { security, keychains } = identityTools(session);
    const listed = new Set((await searchList(session, security)).map(keychainName));
    const accepted = await acceptedManifests(session);
    const retired = await retiredManifests(session);
    const journal = new Journal(files, paths.stateFile('journal'), owner(session, ticket), clock);
    const purged: Sha1[] = [];
    const kept: KeptKeychain[] = [];
    for (const identity of identities) {
      const decision = mayPurge(
        {
          identity,
          onSearchList: listed.has(keychainOf(identity)),
          accepted: accepted.some((manifest) => signsWith(manifest, identity)),
          neededUntil: neededUntil(identity, retired, await notedHorizon(session, identity)),
        },
        clock() + session.order.offset,
      );
      if (!decision.purge) {
        const { reason, possibleFrom } = decision;
        kept.push({ identity, reason, possibleFrom: possibleFrom === null ? null : new Date(possibleFrom).toISOString() });
        continue;
      }
      const subject = { do: 'purge', subject: identity };
      await journal.intend([subject]);
      const outcome = await keychains.remove(keychainOf(identity));
      if (outcome !== 'done' && outcome !== 'missing')
        throw new ResealError('KEYCHAIN_FAILED', `Node ${node.name}, keychain ${keychainOf(identity)}: cannot destroy it (${outcome}).`);
      const state = await security.keychain(keychainOf(identity));
      if (!('answer' in state) || state.answer.state !== 'missing')
        throw new ResealError(
          'READ_BACK_FAILED',
          `Node ${node.name}: the keychain ${keychainOf(identity)} is still there after it was destroyed.`,
        );
      // The mark last: what is cut off here is purged again.
      await files.remove(paths.keychainHorizon(identity));
      await files.remove(paths.keychainMark(identity));
      journal.result(subject, true);
      await journal.flush();
      purged.push(identity);
    }
    return { purged, kept };
  });
}

const signsWith = (manifest: Manifest, identity: Sha1): boolean => manifest.profiles.some((entry) => entry.identity === identity);

const owner = ({ order, name }: NodeSession, ticket: string): ConstructorParameters<typeof Journal>[2] => ({
  line: name,
  rotation: ticket,
  epoch: order.epoch,
  opId: order.opId,
  sentAt: order.sentAt,
  attempt: 1,
  token: '',
});

/** Of every line; one that cannot be read keeps everything. */
async function acceptedManifests(session: NodeSession): Promise<readonly Manifest[]> {
  const { files, paths, contents } = session;
  const all = await new StateFile<readonly Sha256[]>(files, paths.stateFile('accepted.json')).readAll();
  return Promise.all(
    Object.entries(all).flatMap(([line, digests]) =>
      digests.map(async (digest) => (await contents.manifest(digest, () => manifestOnNode(session, digest, line))).manifest),
    ),
  );
}
