import { existsSync, readFileSync } from 'node:fs';
import { isLocked, readKeychain, resolveKeychain, searchList, type Keychain, type KeychainIdentity } from '../keychain-file.js';
import type { Call } from './call.js';

/** An identity and the keychain it was found in. */
export interface Chosen {
  readonly keychain: Keychain;
  readonly identity: KeychainIdentity;
}

/** Why an identity is not to be had: the sentence behind the identity that was asked for. */
export interface NotChosen {
  readonly sentence: string;
}

/**
 * Finds the identity that `codesign -s` names: by SHA-1, else the one of that whole name, else the one with that in its name. Dates and
 * revocation are not looked at, so that a renewed certificate beside an expired one of the same name is ambiguous (mac-tools.md).
 *
 * @param keychain the one to look in; the search list where null
 */
export function chooseIdentity(call: Call, named: string, keychain: string | null): Chosen | NotChosen {
  const all = identities(call, keychain);
  const sha1 = /^[0-9a-f]{40}$/i.test(named) ? named.toUpperCase() : null;
  const whole = all.filter(({ identity }) => identity.label === named);
  const part = whole.length > 0 ? whole : all.filter(({ identity }) => identity.label.includes(named));
  const matching = sha1 === null ? part : all.filter(({ identity }) => identity.sha1 === sha1);
  // The same identity in two keychains is one identity.
  const [first, second] = matching.filter((one, at) => matching.findIndex((other) => other.identity.sha1 === one.identity.sha1) === at);
  if (first === undefined) return { sentence: 'no identity found' };
  if (second !== undefined)
    return { sentence: `ambiguous (matches "${first.identity.label}" and "${second.identity.label}" in ${second.keychain.path})` };
  return first.identity.codeSigning ? first : { sentence: 'this identity cannot be used for signing code' };
}

/** Every identity of the keychains, in the order of the search list. */
export function identities(call: Call, keychain: string | null): readonly Chosen[] {
  const paths = keychain === null ? searchList(call.state) : [resolveKeychain(call.state, keychain)];
  return paths.flatMap((path) => {
    const opened = readKeychain(path);
    if (typeof opened === 'number') return [];
    return opened.items.flatMap((identity) => (identity.kind === 'identity' ? [{ keychain: opened, identity }] : []));
  });
}

/**
 * Whether `codesign` may use the key, or gets errSecInternalComponent: the keychain is locked, the program is neither trusted (`-T`, `-A`) nor in
 * a partition that may use the key (it is Apple's own, `apple:`; securityd, clientid.cpp), or it runs outside the login session.
 */
export function mayUseKey(call: Call, { keychain, identity }: Chosen): boolean {
  const isSet = (kind: string): boolean => existsSync(call.state.fault(kind));
  const context = process.env['RESEAL_SIM_CONTEXT'] ?? readFileSync(call.state.file('context'), 'utf8').trim();
  if (isSet('wrong-context') || context !== 'gui') return false;
  if (isLocked(call.state, keychain, call.now)) return false;
  if (isSet('no-partition-list') || !identity.partitions.includes('apple:')) return false;
  return identity.access === 'any' || identity.access.includes('/usr/bin/codesign');
}

/** Whether the Mac knows the way from the certificate to a root that it trusts. */
export const isTrusted = (call: Call, identity: KeychainIdentity): boolean =>
  readFileSync(call.state.file('trusted-issuers'), 'utf8').split('\n').includes(identity.issuer);

/** Whether `find-identity -v` would list it: trusted, not revoked, and in its dates. */
export function isValid(call: Call, identity: KeychainIdentity): boolean {
  const revoked = readFileSync(call.state.file('revoked'), 'utf8').split('\n').includes(identity.sha1);
  return isTrusted(call, identity) && !revoked && call.now >= identity.notBefore && call.now <= identity.notAfter;
}
