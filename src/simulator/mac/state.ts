import { join } from 'node:path';

/**
 * The state of a simulated Mac, plain text throughout, so that its programs read it with the shell's own `read`:
 *
 * ```text
 * <home>/bin/                          the programs, first on the node's PATH
 * <home>/Library/Keychains/            keychains (src/simulator/mac/keychain-file.ts); System.keychain stands for /Library/Keychains/System.keychain
 * <home>/.mac/lib/                     what the programs share
 *             node                     how programs that need Node.js are run: the executable, the module, and what is imported first, a line each
 *             system                   version and build of macOS, minutes until sleep, version and build of Xcode, a line each
 *             search-list              the user's, a path a line
 *             default-keychain         a path
 *             trusted-issuers          key ids of the authorities that lead to a trusted root, lower-case hexadecimal, a line each
 *             authorities.pem          those authorities and their roots: what a signature's chain is made of
 *             revoked                  SHA-1 of revoked certificates, upper-case hexadecimal, a line each
 *             context                  `gui` where programs run in the login session, else what they run in; RESEAL_SIM_CONTEXT prevails
 *             rcodesign                its path, empty where signatures cannot be real
 *             clock                    seconds since 1970 at which the node's clock stands still; the host's clock where it is missing
 *             faults/                  src/simulator/mac/faults.ts
 *             unlocked/<keychain id>   when an unlocked keychain was last used, in seconds since 1970; missing where it is locked
 *             keychains/<keychain id>/ certificates, <SHA-1>.pem
 *             secrets/<keychain id>/   0700: `password`, salt and SHA-256 of salt and password; private keys, <SHA-1 of the certificate>.key
 * ```
 *
 * Every file is replaced whole. Of two programs that change one keychain at the same time the later one wins; on a Mac a daemon takes one
 * after the other.
 *
 * A keychain's file names its id, so one that is copied or moved is still the same keychain, as far as locks and passwords go.
 */
export interface MacState {
  readonly home: string;
  readonly bin: string;
  readonly lib: string;
  readonly keychains: string;
  readonly file: (name: StateFile) => string;
  readonly unlocked: (id: string) => string;
  readonly certificate: (id: string, sha1: string) => string;
  readonly secrets: (id: string) => string;
  readonly privateKey: (id: string, sha1: string) => string;
  readonly fault: (kind: string) => string;
}

export type StateFile =
  | 'node'
  | 'system'
  | 'search-list'
  | 'default-keychain'
  | 'trusted-issuers'
  | 'authorities.pem'
  | 'revoked'
  | 'context'
  | 'rcodesign'
  | 'clock';

/** Where the state of the Mac with this home lies. */
export function macState(home: string): MacState {
  const mac = join(home, '.mac');
  return {
    home,
    bin: join(home, 'bin'),
    lib: join(mac, 'lib'),
    keychains: join(home, 'Library', 'Keychains'),
    file: (name) => join(mac, name),
    unlocked: (id) => join(mac, 'unlocked', id),
    certificate: (id, sha1) => join(mac, 'keychains', id, `${sha1}.pem`),
    secrets: (id) => join(mac, 'secrets', id),
    privateKey: (id, sha1) => join(mac, 'secrets', id, `${sha1}.key`),
    fault: (kind) => join(mac, 'faults', kind),
  };
}
