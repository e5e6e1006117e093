import type { Sha1, Sha256 } from '../../src/domain/brands.js';
import { isShared, keychainName, keychainOf } from '../../src/domain/node/identities.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Importable } from '../../src/identity/sealed.js';
import { KeychainCommands, type KeychainOutcome } from '../../src/mac/keychain-commands.js';
import { Security, type Said, type Unsaid } from '../../src/mac/security.js';
import type { NodePath, PreparedFile } from '../../src/node-shell/contract.js';
import { CanaryFolder, signingPlace } from './canary-folder.js';
import type { Effect } from './effect.js';
import { writing } from './file-effects.js';
import { horizonNote } from './keychain-horizon.js';
import { holdersOf, unlockWindow } from './keys.js';
import type { NodeSession, WritingSession } from './session.js';
import { UnlockFailure } from './unlock-failure.js';

const UNLOCK = 'unlock it';
const PKCS12 = 'identity.p12';
const short = (identity: Sha1): string => identity.slice(0, 8);

/**
 * Brings an identity into its own keychain, ready for `codesign`, and that onto the search list, which is the last thing: what is on the list is whole.
 * Nothing happens where a keychain of the list holds it already, whoever put it there.
 */
export async function putIdentity(session: WritingSession, identity: Sha1): Promise<Effect | null> {
  const { security, keychains } = identityTools(session);
  const listed = said(session, await security.identities());
  if (listed === null || listed.matching.some(({ sha1 }) => sha1 === identity)) return null;
  const keychain = keychainOf(identity);
  const whole = await session.files.exists(session.paths.keychainMark(identity));
  const holds = whole && (await holdsIdentity(session, security, identity));
  const importing = holds ? null : new Import(session, identity);
  const mark = holds ? null : markOf(session, identity);
  return {
    subject: identity,
    folders: mark === null ? [] : [session.paths.incoming, ...mark.folders],
    touched: mark?.touched ?? [],
    prepare: async () => {
      await importing?.prepare();
      await mark?.prepare();
    },
    apply: async () => {
      if (importing !== null) await importing.apply(security, keychains);
      await mark?.apply();
      // Listed last, and locked before: what is cut off here leaves no open keychain behind that nobody looks after.
      if (!isWindowOpen(session)) await must(session, keychain, 'lock it', keychains.lock(keychain));
      await relist(session, security, keychains, keychain, 'put it on the search list', (others) => [...others, keychain]);
    },
    discard: async () => {
      await importing?.discard();
      await mark?.discard();
    },
  };
}

/** Unlocks what holds the identity, where it is locked and the line's window is open. Without a declared password nothing is unlocked. */
export async function unlockIdentity(session: WritingSession, identity: Sha1): Promise<Effect | null> {
  if (session.line.keychains?.password === undefined || !isWindowOpen(session)) return null;
  const { security, keychains } = identityTools(session);
  const holders = said(session, await holdersOf(security, identity));
  // Of two that hold it the first of the list counts. Nobody's but the CI's own are unlocked.
  const holder = holders?.find(({ path }) => !isShared(path));
  if (holder?.state !== 'locked') return null;
  const locked = holder.path;
  return {
    ...NOTHING_BUT_COMMANDS,
    subject: identity,
    apply: async () => {
      await session.held.check();
      const password = await passwordOf(session).catch((error: unknown) => {
        throw withoutPassword(session, keychainName(locked), error);
      });
      await must(session, keychainName(locked), UNLOCK, keychains.unlock(locked, password));
    },
  };
}

/** Locked, and off the search list, with a note until when a rollback may need it. It stays on the node, for a restore. */
export async function shelveIdentity(session: WritingSession, identity: Sha1, gone: Sha256): Promise<Effect | null> {
  const { security, keychains } = identityTools(session);
  const keychain = keychainOf(identity);
  const list = said(session, await security.searchList());
  if (list === null) return null;
  const listed = known(session, list).some((path) => keychainName(path) === keychain);
  const horizon = await horizonNote(session, identity, gone);
  if (!listed && horizon === null) return null;
  const note = horizon === null ? null : writing(session, identity, [horizon]);
  return {
    ...(note ?? NOTHING_BUT_COMMANDS),
    subject: identity,
    apply: async () => {
      await note?.apply();
      if (!listed) return;
      await session.held.check();
      // Locked first: then nothing is signed with it, and one that is off the list is never open.
      await must(session, keychain, 'lock it', keychains.lock(keychain));
      await relist(session, security, keychains, keychain, 'take it off the search list', (others) => others);
    },
  };
}

/** Differences between the identities that should be on the search list, or off it, and those that are. */
export async function identityProblems(
  session: NodeSession,
  present: readonly Sha1[],
  absent: readonly Sha1[],
): Promise<readonly string[]> {
  if (present.length + absent.length === 0) return [];
  const { security } = identityTools(session);
  const listed = said(session, await security.identities());
  const list = listed === null ? null : said(session, await security.searchList());
  if (listed === null || list === null) return [];
  const names = new Set(list.map(keychainName));
  return [
    ...present
      .filter((identity) => !listed.matching.some(({ sha1 }) => sha1 === identity))
      .map((identity) => `the identity ${short(identity)} is in no keychain of the search list`),
    ...absent
      .filter((identity) => names.has(keychainOf(identity)))
      .map((identity) => `the keychain ${keychainOf(identity)} is still on the search list`),
  ];
}

const NOTHING_BUT_COMMANDS = {
  folders: [],
  touched: [],
  prepare: async (): Promise<void> => undefined,
  discard: async (): Promise<void> => undefined,
};

/** One identity on its way from its sealed copy into its keychain; its file is on the node for the moment of the import only. */
class Import {
  private readonly path: NodePath;
  private password = '';
  private importable: Importable | null = null;
  private file: PreparedFile | null = null;

  constructor(
    private readonly session: WritingSession,
    private readonly identity: Sha1,
  ) {
    // A name that the next attempt clears away where this one is cut off.
    this.path = `${session.paths.incoming}/.reseal-${short(identity)}.tmp`;
  }

  async prepare(): Promise<void> {
    const { session, identity } = this;
    this.password = await passwordOf(session);
    const sealed = await session.contents.sealedIdentity(session.node, identity);
    // Loaded where it is needed: the agent of a node that holds no keys does without age and PKCS#12, and their memory.
    const { openSealedIdentity } = await import('../../src/identity/sealed.js');
    this.importable = await openSealedIdentity(sealed, await deliveryKeyOf(session), identity).catch((error: unknown) => {
      // Whoever mends it puts another copy in its place.
      session.contents.forgetSealedIdentity(session.node, identity);
      throw error;
    });
    // Where `security` runs as another account, the file lies where that one reads it, for the moment of the import alone.
    if (session.files.signingFolder === null)
      this.file = await session.files.prepare(this.path, this.importable.pkcs12, 0o600, session.order.opId);
  }

  async apply(security: Security, keychains: KeychainCommands): Promise<void> {
    const { session, identity, importable } = this;
    if (importable === null) throw new ResealError('INTERNAL', `The import of ${short(identity)} was not prepared.`);
    const keychain = keychainOf(identity);
    await session.held.check();
    const created = await keychains.create(keychain, this.password);
    if (created !== 'there-already') await must(session, keychain, 'make it', Promise.resolve(created));
    // macOS has listed it already; empty it serves nobody, and half imported it would mislead.
    await relist(session, security, keychains, keychain, 'keep it off the search list', (others) => others);
    await must(session, keychain, UNLOCK, keychains.unlock(keychain, this.password));
    const { lockAfter } = session.line.keychains ?? {};
    await must(session, keychain, 'set when it locks', keychains.settings(keychain, lockAfter === undefined ? null : Math.ceil(lockAfter / 1000))); // prettier-ignore
    await session.held.check();
    await this.withFile(importable.pkcs12, async (path) => {
      const imported = await keychains.importPkcs12(keychain, path, importable.password);
      if (imported !== 'there-already') await must(session, keychain, `import the identity ${short(identity)}`, Promise.resolve(imported));
    });
    await must(session, keychain, 'let codesign use its key', keychains.allowCodesign(keychain, this.password));
  }

  /** The file is there while `work` runs, and never longer. */
  private async withFile(pkcs12: Uint8Array, work: (path: string) => Promise<void>): Promise<void> {
    const { files, node, paths } = this.session;
    if (this.file === null) {
      const folder = new CanaryFolder(files, signingPlace(files, paths.incoming), `reseal-import.${node.name}.`);
      return folder.use(async () => {
        await folder.write(PKCS12, pkcs12);
        await work(await files.programPath(folder.at(PKCS12)));
      });
    }
    await this.file.commit();
    try {
      await work(await files.programPath(this.path));
    } finally {
      await files.remove(this.path);
    }
  }

  async discard(): Promise<void> {
    this.importable = null;
    this.password = '';
    await this.file?.discard();
  }
}

/** Tells a keychain that reseal made whole from one whose making was cut off. */
const markOf = (session: WritingSession, identity: Sha1): Effect =>
  writing(session, identity, [
    {
      path: session.paths.keychainMark(identity),
      bytes: Buffer.from(`${keychainOf(identity)} ${session.order.rotation}\n`),
      mode: 0o644,
    },
  ]);

export function identityTools(session: NodeSession): { readonly security: Security; readonly keychains: KeychainCommands } {
  const { files, policy } = session;
  return { security: new Security(files, policy.probe.checkTimeout), keychains: new KeychainCommands(files, policy.probe.checkTimeout) };
}

/**
 * The answer; null on a simulated node that is nothing but files.
 * @throws ResealError KEYCHAIN_FAILED where a node does not say
 */
function said<T>(session: NodeSession, answer: Said<T>): T | null {
  if ('answer' in answer) return answer.answer;
  if (answer.none === 'no-program' && session.node.environment === 'simulated') return null;
  throw unsaid(session, answer);
}

const unsaid = ({ node }: NodeSession, { reason }: Unsaid): ResealError =>
  new ResealError('KEYCHAIN_FAILED', `Node ${node.name}: what its keychains hold is not known: ${reason}.`);

/**
 * A search list that can be true. Every Mac's has the login keychain: an empty one is an answer that was lost, and a list that is written from it would
 * take all others away.
 * @throws ResealError KEYCHAIN_FAILED
 */
export function known({ node }: NodeSession, list: readonly string[]): readonly string[] {
  if (list.length > 0) return list;
  throw new ResealError(
    'KEYCHAIN_FAILED',
    `Node ${node.name}: its keychain search list is empty, or could not be read. Look with \`security list-keychains -d user\`; the login keychain belongs on it.`,
  );
}

/** @throws ResealError KEYCHAIN_FAILED */
export async function searchList(session: NodeSession, security: Security): Promise<readonly string[]> {
  const list = await security.searchList();
  if ('none' in list) throw unsaid(session, list);
  return known(session, list.answer);
}

/**
 * Writes the search list with or without one keychain. macOS can only replace it whole, so it is read right before, and afterwards again: what
 * somebody else has put on it meanwhile, and this has taken away, is put back.
 */
async function relist(
  session: WritingSession,
  security: Security,
  keychains: KeychainCommands,
  keychain: string,
  doing: string,
  list: (others: readonly string[]) => readonly string[],
): Promise<void> {
  const othersOf = (all: readonly string[]): readonly string[] => all.filter((path) => keychainName(path) !== keychain);
  let others = othersOf(await searchList(session, security));
  for (let tries = 0; tries < 3; tries++) {
    await session.held.check();
    await must(session, keychain, doing, keychains.setSearchList(list(others)));
    const now = othersOf(await searchList(session, security));
    if (others.every((path) => now.includes(path))) return;
    others = [...new Set([...others, ...now])];
  }
  throw new ResealError(
    'KEYCHAIN_FAILED',
    `Node ${session.node.name}, keychain ${keychain}: cannot ${doing}: somebody else changes the list all the time.`,
  );
}

async function holdsIdentity(session: NodeSession, security: Security, identity: Sha1): Promise<boolean> {
  const keychain = keychainOf(identity);
  const state = await security.keychain(keychain);
  if ('none' in state) throw unsaid(session, state);
  if (state.answer.state === 'missing') return false;
  const held = await security.identities([keychain]);
  if ('none' in held) throw unsaid(session, held);
  return held.answer.matching.some(({ sha1 }) => sha1 === identity);
}

const isWindowOpen = ({ line, order, skew }: NodeSession): boolean => unlockWindow(line, order.sentAt + skew) === 'open';

async function passwordOf(session: NodeSession): Promise<string> {
  const source = session.line.keychains?.password;
  if (source !== undefined) return session.files.password(source);
  throw new ResealError(
    'IDENTITY_UNAVAILABLE',
    `Node ${session.node.name}: line ${session.name} declares no keychains.password, so reseal can make no keychain there. Declare it in topology.yaml, or import the identity by hand.`,
  );
}

async function deliveryKeyOf({ files, node, paths }: NodeSession): Promise<string> {
  const found = await files.read(paths.deliveryKey);
  if (found.kind === 'file') return Buffer.from(found.bytes).toString('utf8');
  throw new ResealError(
    'IDENTITY_UNAVAILABLE',
    `Node ${node.name} has no delivery key at ${paths.deliveryKey} (${found.kind === 'absent' ? 'nothing is there' : found.what}). Make one with \`reseal node delivery-key ${node.name}\`.`,
  );
}

const REASONS: Readonly<Record<Exclude<KeychainOutcome, 'done'>, string>> = {
  'wrong-password': 'its password is another one than keychains.password of the line gives',
  locked: 'macOS would ask a person: it is locked, or this session may not use keychains (it is not the one in which builds run)',
  missing: 'it is not there',
  'not-a-keychain': 'the file is no keychain',
  'there-already': 'it is there already',
  'pkcs12-refused': 'macOS refuses its password or encryption',
  'unknown-format': 'macOS does not know its format',
  'no-key': 'it holds no private key',
  expired: '`security` did not end in time',
  'too-long': 'the search list has more entries than `security` takes at once (28): take some off by hand',
  'not-run':
    'the canary process of the account that builds is away, or of a version that changes no keychains. Start it in the session that builds, of the version of the agent',
  'no-program': 'the node has no `security`',
  unclear: '`security` failed in a way that it does not explain; try the same by hand on the node',
};

/** What a keychain's refusal means, as the end of a sentence. */
export const refusalInWords = (outcome: Exclude<KeychainOutcome, 'done'>): string => REASONS[outcome];

/**
 * Where a line says so, what a keychain refuses is tried again as every failure is; elsewhere it is final at once.
 * @throws ResealError KEYCHAIN_FAILED, or REFUSED, naming node, keychain and what to look at
 */
async function must(session: WritingSession, keychain: string, doing: string, command: Promise<KeychainOutcome>): Promise<void> {
  const outcome = await command;
  if (outcome === 'done') return;
  const again = session.line.keychains?.onUnlockFailure.includes('retry') ?? true;
  const code = again ? 'KEYCHAIN_FAILED' : 'REFUSED';
  const message = `Node ${session.node.name}, keychain ${keychain}: cannot ${doing}: ${REASONS[outcome]}.`;
  throw doing === UNLOCK ? new UnlockFailure(code, message, keychain, REASONS[outcome]) : new ResealError(code, message);
}

/** Without a password a keychain stays locked as with a wrong one. */
const withoutPassword = ({ line }: WritingSession, keychain: string, error: unknown): unknown => {
  if (!(error instanceof ResealError) || error.code !== 'KEYCHAIN_FAILED') return error;
  const again = line.keychains?.onUnlockFailure.includes('retry') ?? true;
  return new UnlockFailure(again ? 'KEYCHAIN_FAILED' : 'REFUSED', error.message, keychain, error.message.replace(/\.$/, ''));
};
