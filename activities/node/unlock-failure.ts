import { ResealError } from '../../src/domain/errors.js';
import { afterRetries, type LockedKeychain } from '../../src/domain/node/locked-keychain.js';
import { keychainName } from '../../src/domain/node/identities.js';
import type { LineDeclaration } from '../../src/domain/topology.js';
import { KEYCHAIN_TRIES } from './failures.js';

/** A keychain did not open, whatever it was to be opened for. The message is the whole sentence, `why` the part about the cause. */
export class UnlockFailure extends ResealError {
  constructor(
    code: 'KEYCHAIN_FAILED' | 'REFUSED',
    message: string,
    readonly keychain: string,
    readonly why: string,
  ) {
    super(code, message);
  }
}

/**
 * What an unlock that failed comes to once the line's retries are over, where it declares more than those; null: it is a failure like any other, or is
 * tried again.
 * @param attempt from 1
 */
export function lockedAfter(error: unknown, line: LineDeclaration, attempt: number): LockedKeychain | null {
  if (!(error instanceof UnlockFailure)) return null;
  const then = afterRetries(line.keychains);
  const over = error.code === 'REFUSED' || attempt >= KEYCHAIN_TRIES;
  if (then === null || !over) return null;
  const remedy = `Unlock it in the session in which builds sign (\`security unlock-keychain ${error.keychain}\`), or correct what keychains.password of the line gives there; then answer retry.`;
  return { keychain: error.keychain, why: error.why, remedy, then };
}

/** What a keychain that a probe finds locked comes to; reseal does not open it by itself. */
export function lockedInProbe(keychain: string, line: LineDeclaration): LockedKeychain | null {
  const then = afterRetries(line.keychains);
  if (then === null) return null;
  const why =
    line.keychains?.password === undefined
      ? 'the line declares no keychains.password, so nobody but people opens it'
      : 'it locked again after it was opened, or people have locked it';
  const remedy = `Unlock it in the session in which builds sign (\`security unlock-keychain ${keychain}\`), then answer retry.`;
  return { keychain: keychainName(keychain), why, remedy, then };
}
