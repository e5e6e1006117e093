import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Instant } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { bundlesFolder } from '../node-shell/socket/trusted.js';
import { listenOn, type Listener } from '../node-shell/socket/listen.js';
import { readKeys, tellable, type HeldKey, type SidecarKeys } from './keys.js';
import { clearLeftOvers, signBundle, type Workshop } from './sign.js';
import { answerLine, MOST_REQUEST, parseRequest, type AliasesAnswer, type Refused, type SignedAnswer, type SignRequest } from './wire.js';

export interface SidecarOptions {
  /** Absolute: `sidecar.yaml`. */
  readonly file: string;
  /** Null where it is missing. */
  readonly rcodesign: string | null;
  readonly env: NodeJS.ProcessEnv;
  now(): Instant;
  /** A line for whoever runs it. */
  say(line: string): void;
}

export interface RunningSidecar extends Listener {
  readonly socket: string;
  readonly signer: SidecarKeys['signer'];
}

/**
 * Holds keys and signs what is brought to the exchange folder beside its socket. @throws ResealError CONFIG_MISSING, CONFIG_INVALID, TOOL_MISSING; REFUSED
 * where another one listens, or the folder is not for it alone
 */
export async function startSidecar(options: SidecarOptions): Promise<RunningSidecar> {
  const keyring = new Keyring(options);
  const { socket, signer } = keyring.now();
  if (signer === 'rcodesign' && options.rcodesign === null)
    throw new ResealError('TOOL_MISSING', 'The sidecar finds no rcodesign. Install apple-codesign (cargo install apple-codesign), or name it in RESEAL_RCODESIGN.'); // prettier-ignore
  const folder = dirname(socket);
  const workshop: Workshop = { ...options, exchange: bundlesFolder(socket), work: join(folder, 'work') };
  const turns = new Turns();
  let cleared: Promise<void> | null = null;
  const answer = async (line: string | null, signal: AbortSignal): Promise<AliasesAnswer | SignedAnswer | Refused> => {
    const request = line === null ? null : parseRequest(line);
    if (request === null) return { refused: 'request', sentence: 'what came is no request of protocol 1' };
    await cleared;
    const keys = keyring.now();
    if (request.ask === 'aliases')
      return { aliases: [...keys.aliases].map(([alias, key]) => tellable(alias, key)), signer: keys.signer, trouble: keyring.trouble };
    return turns.take(turnOf(request, keys), () => signBundle(workshop, keys, request, signal));
  };
  const listener = await listenOn({
    socket,
    name: 'signing sidecar',
    shared: [workshop.exchange],
    most: MOST_REQUEST,
    answer: async (line, signal) => answerLine(await answer(line, signal)),
  });
  // Not before it listens: where another one does, it is that one's.
  cleared = clearLeftOvers(workshop);
  await cleared;
  return { socket, signer, stop: () => listener.stop() };
}

/** A card and a remote signer do one thing at a time; null: files do not wait for each other. */
function turnOf({ alias }: SignRequest, { aliases }: SidecarKeys): string | null {
  const key: HeldKey | { readonly trouble: string } | undefined = aliases.get(alias);
  return key !== undefined && 'place' in key && 'options' in key.place ? alias : null;
}

/** One at a time of each name. */
class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  async take<T>(name: string | null, work: () => Promise<T>): Promise<T> {
    if (name === null) return work();
    const mine = (this.last.get(name) ?? Promise.resolve()).then(work, work);
    this.last.set(name, mine);
    return mine;
  }
}

/** The keys as `sidecar.yaml` says now: an alias is added without an end of service. A file that somebody has just broken changes nothing. */
class Keyring {
  private keys: SidecarKeys;
  private seen: string;
  /** Why the file as it is now is not in force. */
  trouble: string | null = null;

  constructor(private readonly options: Pick<SidecarOptions, 'file' | 'say'>) {
    this.seen = versionOf(options.file);
    this.keys = readKeys(options.file);
  }

  now(): SidecarKeys {
    const version = versionOf(this.options.file);
    if (version === this.seen && !this.hasTroubles()) return this.keys;
    this.seen = version;
    try {
      const { aliases, chain } = readKeys(this.options.file);
      // Socket, index and signer are those that it started with.
      this.keys = { ...this.keys, aliases, chain };
      this.trouble = null;
    } catch (error) {
      if (!(error instanceof ResealError)) throw error;
      const trouble = [error.message, ...error.details].join(' ');
      if (trouble !== this.trouble) this.options.say(`What sidecar.yaml said before stays in force: ${trouble}`);
      this.trouble = trouble;
    }
    return this.keys;
  }

  /** A file of a key may have been corrected since. */
  private hasTroubles(): boolean {
    return this.trouble !== null || [...this.keys.aliases.values()].some((key) => 'trouble' in key);
  }
}

/** Tells a file from the one that it was, whatever replaced it. */
function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}
