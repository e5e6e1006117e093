/** What `stores.NAME.endpoint` of a bucket means; the words of a refusal complete "found …, expected …", and show nothing of a credential. */
export type BucketEndpoint =
  { readonly kind: 'endpoint'; readonly url: string } | { readonly kind: 'refused'; readonly found: string; readonly expected: string };

const FORM = 'https://host or https://host:port';
const refused = (found: string, expected = FORM): BucketEndpoint => ({ kind: 'refused', found, expected });

/** Without TLS nobody proves who answers; only this machine needs no proof of itself. */
const LOOPBACK = /^(?:localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])$/i;

/** Scheme, host and port, and no more: bucket and prefix have fields of their own. */
export function bucketEndpoint(url: string): BucketEndpoint {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  if (authority.includes('@'))
    return refused(
      'an address with credentials in it',
      'one without: it is shown to everybody who reads of this store. The environment of the account that runs reseal, its AWS profile or its role lets it in',
    );
  const [, host = '', port] = /^([a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?$/i.exec(authority) ?? [];
  if (host === '' || (port !== undefined && Number(port) > 65_535)) return refused('an address that is none');
  if (rest !== '' && rest !== '/')
    return refused('an address with a path or a query', `${FORM}; bucket and prefix are fields of their own`);
  switch (scheme.toLowerCase()) {
    case 'https':
      return { kind: 'endpoint', url };
    case 'http':
      return LOOPBACK.test(host) ? { kind: 'endpoint', url } : refused('an address without TLS', `${FORM}; http only on this machine`);
    default:
      return refused(`an address of the kind ${scheme}://`);
  }
}
