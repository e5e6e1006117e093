/** Where reseal.yaml says that a store is. */
export type StoreAddress =
  /** A path on this machine, as written. */
  | { readonly kind: 'path'; readonly path: string }
  /** A repository that git reaches itself. */
  | { readonly kind: 'remote'; readonly protocol: RemoteProtocol; readonly url: string }
  /** Neither; the words complete "found …, expected …", and show nothing of a credential. */
  | { readonly kind: 'refused'; readonly found: string; readonly expected: string };

export type RemoteProtocol = 'ssh' | 'https' | 'file';

const FORMS = 'a path, ssh://user@host/path, user@host:path, https://host/path or file:///path';
const CREDENTIALS = {
  kind: 'refused',
  found: 'an address with credentials in it',
  expected:
    'one without: it is shown to everybody who reads of this store. An ssh key or a git credential helper of the account that runs reseal lets it in',
} as const;
const refused = (found: string, expected = FORMS): StoreAddress => ({ kind: 'refused', found, expected });

/**
 * What `stores.NAME.url` means. As git reads it, a colon before the first slash makes an address of it (git-fetch(1), GIT URLs); of git's
 * transports only those are taken that prove who answers, and none that runs a program of the address's choice (`ext::`).
 */
export function storeAddress(url: string): StoreAddress {
  const withScheme = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is.exec(url);
  if (withScheme !== null) {
    const [, scheme = '', authority = '', rest = ''] = withScheme;
    return ofScheme(url, scheme.toLowerCase(), authority, rest);
  }
  if (!/^[^/]*:/.test(url)) return { kind: 'path', path: url };
  if (/^[^/]*:[^/]*@/.test(url)) return CREDENTIALS;
  return /^(?:[a-z0-9_.][\w.-]*@)?(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\]):(?!:)[^\s-]\S*$/i.test(url)
    ? { kind: 'remote', protocol: 'ssh', url }
    : refused('an address that is none of these');
}

function ofScheme(url: string, scheme: string, authority: string, rest: string): StoreAddress {
  const at = authority.lastIndexOf('@');
  const user = at < 0 ? null : authority.slice(0, at);
  const host = authority.slice(at + 1);
  if (user !== null && (scheme !== 'ssh' || user.includes(':'))) return CREDENTIALS;
  if (/\s/.test(url)) return refused('an address with a space in it');
  switch (scheme) {
    case 'file':
      return host === '' && /^\/./.test(rest)
        ? { kind: 'remote', protocol: 'file', url }
        : refused('a file address without a whole path', 'file:///path');
    case 'ssh':
    case 'https':
      if (!/^(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/i.test(host) || !/^\/./.test(rest) || user?.startsWith('-') === true)
        return refused('an address without a host or a path');
      if (scheme === 'https' && /[?#]/.test(rest)) return refused('an https address with a query', 'https://host/path, and no more');
      return { kind: 'remote', protocol: scheme, url };
    default:
      return refused(`an address of the kind ${scheme}://`);
  }
}
