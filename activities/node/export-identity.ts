import { randomBytes } from 'node:crypto';
import type { Instant, Sha1 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { ExportedIdentity } from '../../src/domain/exports/export.js';
import type { ExportAsk, ExportRequestStatement } from '../../src/domain/exports/statement.js';
import { isShared, keychainName, keychainOf } from '../../src/domain/node/identities.js';
import type { SigningIdentity } from '../../src/identity/pkcs12.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { KeychainOutcome } from '../../src/mac/keychain-commands.js';
import { withLock } from '../../src/node-shell/lock.js';
import { identityTools, refusalInWords } from './identities.js';
import { Journal } from './journal.js';
import { holdersOf, unlockWindow } from './keys.js';
import type { NodeSession } from './session.js';

/** What of an order says how it is sealed, and by whose word. */
export interface ExportOrder {
  readonly asked: ExportRequestStatement;
  /** Public half of the one-time key, `age1…`. */
  readonly oneTime: string;
}

/**
 * Takes an identity out of its keychain, proves that it is the one that was approved, and seals it to its receiver, and that once more to the one-time key. It
 * comes on stdout under a password of this moment, into the memory of who serves the node: no file is written, so none can be left behind. A keychain that was
 * locked is locked again, whatever came of it.
 * @throws ResealError REFUSED, KEYCHAIN_FAILED, NOT_AN_IDENTITY, NODE_WRITE_FAILED
 */
export function exportIdentity(session: NodeSession, { asked, oneTime }: ExportOrder, clock: () => Instant): Promise<ExportedIdentity> {
  const { files, paths, node, line, order } = session;
  if (line.identity === 'sidecar') throw refused(session, `the keys of its line ${session.name} are at a sidecar, and none is on the node`);
  if (node.keys !== 'allowed') throw refused(session, 'it is declared with keys: forbidden');
  return withLock(files, paths.stateFile('lock'), async () => {
    const keychain = await keychainFor(session, asked.asks);
    const owner = {
      ...{ line: session.name, rotation: `export ${order.rotation}`, epoch: order.epoch, opId: order.opId },
      ...{ sentAt: order.sentAt, attempt: 1, token: '' },
    };
    const journal = new Journal(files, paths.stateFile('journal'), owner, clock);
    const subject = { do: 'export-identity', subject: asked.asks.identity };
    await journal.intend([subject]);
    const identity = await provenIdentity(session, keychain, asked.asks);
    const { sealIdentity, sealTo } = await import('../../src/identity/sealed.js');
    const sealed = await sealIdentity(identity, asked.asks.recipient);
    const outer = await sealTo(oneTime, sealed);
    journal.result(subject, false);
    await journal.flush();
    return { sealed: Buffer.from(outer).toString('base64'), sha256: sha256Of(sealed) };
  });
}

const refused = ({ node }: NodeSession, why: string): ResealError =>
  new ResealError('REFUSED', `Node ${node.name} exports no identity: ${why}.`);

interface Keychain {
  readonly path: string;
  readonly locked: boolean;
}

/** `security export` takes all that a keychain holds, so it has to hold this identity and no other; login and System keychains are everybody's. */
async function keychainFor(session: NodeSession, { identity }: ExportAsk): Promise<Keychain> {
  const { security } = identityTools(session);
  const holders = await holdersOf(security, identity);
  if ('none' in holders) throw new ResealError('KEYCHAIN_FAILED', `Node ${session.node.name}: what its keychains hold is not known: ${holders.reason}.`); // prettier-ignore
  const short = identity.slice(0, 8);
  const own = holders.answer.find(({ path }) => keychainName(path) === keychainOf(identity));
  const found = own ?? holders.answer.find(({ path }) => !isShared(path));
  if (found === undefined) {
    const where = holders.answer.map(({ path }) => keychainName(path)).join(', ');
    throw refused(session, where === '' ? `${short} is in no keychain of its search list` : `${short} is in ${where} alone, which everything on the host shares; export it there by hand`); // prettier-ignore
  }
  const held = await security.identities([found.path]);
  if ('none' in held) throw new ResealError('KEYCHAIN_FAILED', `Node ${session.node.name}: ${held.reason}.`);
  const others = new Set(held.answer.matching.map(({ sha1 }) => sha1).filter((sha1) => sha1 !== identity));
  if (others.size > 0)
    throw refused(session, `${keychainName(found.path)} holds ${others.size} other ${others.size === 1 ? 'identity' : 'identities'} beside ${short}, and \`security export\` takes all of a keychain`); // prettier-ignore
  return { path: found.path, locked: found.state !== 'unlocked' };
}

async function provenIdentity(session: NodeSession, keychain: Keychain, asks: ExportAsk): Promise<SigningIdentity> {
  const { keychains } = identityTools(session);
  const failed = (doing: string, outcome: Exclude<KeychainOutcome, 'done'>): ResealError =>
    new ResealError(
      'KEYCHAIN_FAILED',
      `Node ${session.node.name}, keychain ${keychainName(keychain.path)}: cannot ${doing}: ${refusalInWords(outcome)}.`,
    );
  const isOwn = keychainName(keychain.path) === keychainOf(asks.identity);
  const closeAgain = isOwn && (keychain.locked || (await hasOpened(session, asks.identity)));
  try {
    if (keychain.locked) await unlock(session, keychain.path, asks, failed);
    const password = randomBytes(24).toString('hex');
    const exported = await keychains.exportPkcs12(keychain.path, password);
    if (typeof exported === 'string') throw failed('export its identity', exported);
    return await proven(session, exported.pem, password, asks);
  } finally {
    if (closeAgain) {
      // It was closed before: that it stays open because of this is worse than an export that has to be asked for again.
      const outcome = await keychains.lock(keychainOf(asks.identity));
      if (outcome !== 'done') throw failed('lock it again', outcome);
      await session.files.remove(session.paths.keychainOpened(asks.identity));
    }
  }
}

/** Only a keychain that reseal made is opened for it: that one it can close again in every session. */
async function unlock(
  session: NodeSession,
  path: string,
  { identity }: ExportAsk,
  failed: (doing: string, outcome: Exclude<KeychainOutcome, 'done'>) => ResealError,
): Promise<void> {
  const { line, order, skew, files } = session;
  const name = keychainName(path);
  if (name !== keychainOf(identity)) throw refused(session, `${name} is locked, and reseal did not make it; unlock it for the time of the export`); // prettier-ignore
  if (unlockWindow(line, order.sentAt + skew) === 'closed')
    throw refused(session, `${name} is locked, and it is outside the unlock windows of line ${session.name}`);
  const source = line.keychains?.password;
  if (source === undefined) throw refused(session, `${name} is locked, and line ${session.name} declares no keychains.password`);
  const password = await files.password(source);
  await noteOpened(session, identity);
  const outcome = await identityTools(session).keychains.unlock(path, password);
  if (outcome !== 'done') throw failed('unlock it', outcome);
}

/** Whether an attempt of this export that was killed has opened it; what an older one noted counts no more, for others may have opened it since. */
async function hasOpened({ files, paths, order }: NodeSession, identity: Sha1): Promise<boolean> {
  const note = await files.read(paths.keychainOpened(identity));
  return note.kind === 'file' && Buffer.from(note.bytes).toString('utf8') === noteOf(order);
}

const noteOf = ({ rotation }: NodeSession['order']): string => `${rotation}\n`;

async function noteOpened({ files, paths, order }: NodeSession, identity: Sha1): Promise<void> {
  for (const missing of await files.missingFolders(paths.keychainMarks)) await files.makeFolder(missing);
  const note = await files.prepare(paths.keychainOpened(identity), Buffer.from(noteOf(order)), 0o644, 'export');
  await note.commit();
  await files.syncFolders([paths.keychainMarks]);
}

const PEM = /^-----BEGIN PKCS12-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PKCS12-----\s*$/;

/** That what came out is what was approved: key and certificate belong together, and it is the identity, serial number and expiry of the request. */
async function proven(session: NodeSession, pem: string, password: string, asks: ExportAsk): Promise<SigningIdentity> {
  const base64 = PEM.exec(pem)?.[1];
  const name = `What ${session.node.name} exported`;
  if (base64 === undefined)
    throw new ResealError('NOT_AN_IDENTITY', `${name} is no PKCS#12 in PEM. Nothing was sealed; see what \`security\` is on that node.`);
  const { readPkcs12 } = await import('../../src/identity/pkcs12.js');
  const identity = readPkcs12(Buffer.from(base64, 'base64'), password, name);
  const { sha1, serial, expiresAt } = identity.facts;
  const plain = (number: string): string => number.replace(/^0+/, '');
  if (sha1 !== asks.identity || plain(serial) !== plain(asks.serial) || Date.parse(expiresAt) !== Date.parse(asks.certificateExpiresAt))
    throw new ResealError(
      'NOT_AN_IDENTITY',
      `${name} is the identity ${sha1.slice(0, 8)} with the serial number …${serial.slice(-6)}, valid until ${expiresAt}; approved is ${asks.identity.slice(0, 8)}, …${asks.serial.slice(-6)}, ${asks.certificateExpiresAt}. Nothing was sealed; find out what that node holds.`,
    );
  return identity;
}
