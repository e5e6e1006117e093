import { readFileSync, writeFileSync } from 'node:fs';
import { isLocked, readKeychain, resolveKeychain, searchList, type Keychain, type KeychainIdentity } from '../keychain-file.js';
import { legacyPkcs12 } from '../../../identity/pkcs12.js';
import type { Answer, Call } from './call.js';
import { isGiven, readOptions, valueOf } from './options.js';
import { failure, misuse, said } from './sentences.js';

/**
 * `security export` (SecurityTool/macOS/keychain_export.m): certificates as PEM (`-t certs`), and one identity as PKCS#12
 * (`-t identities -f pkcs12 -P …`, with `-p` as PEM). Other types and formats are not simulated.
 */
export function exportItems(call: Call, args: readonly string[]): Answer {
  const options = readOptions(args, 'k:o:t:f:P:wph');
  if (options.wrong !== null) return misuse(options.wrong);
  if (isGiven(options, 'h')) return misuse();
  const name = valueOf(options, 'k');
  const opened = (name === null ? searchList(call.state) : [resolveKeychain(call.state, name)]).map(readKeychain);
  const missing = opened.find((one) => typeof one === 'number');
  if (name !== null && missing !== undefined) return failure('SecKeychainSearchCopyNext', missing);
  const keychains = opened.filter((one) => typeof one !== 'number');
  const type = valueOf(options, 't') ?? 'all';
  const format = valueOf(options, 'f');
  if (type === 'certs' && (format === null || format === 'pemseq')) return written(valueOf(options, 'o'), certificates(call, keychains));
  if (type === 'identities' && format === 'pkcs12') {
    const exported = identity(call, keychains, valueOf(options, 'P'));
    return written(valueOf(options, 'o'), isGiven(options, 'p') && exported instanceof Uint8Array ? armoured(exported) : exported);
  }
  return said('this simulated Mac exports -t certs, and -t identities -f pkcs12');
}

const certificates = (call: Call, keychains: readonly Keychain[]): string =>
  keychains
    .flatMap((keychain) =>
      keychain.items.flatMap((item) => (item.kind === 'key' ? [] : [readFileSync(call.state.certificate(keychain.id, item.sha1), 'utf8')])),
    )
    .join('');

/** A key leaves its keychain only unlocked, and by a program that may use it without asking: there is no window to ask in. */
function identity(call: Call, keychains: readonly Keychain[], passphrase: string | null): Uint8Array | Answer {
  const found = keychains.flatMap((keychain) => keychain.items.flatMap((item) => (item.kind === 'identity' ? [{ keychain, item }] : [])));
  const [first, second] = found;
  if (first === undefined) return failure('SecKeychainItemExport', -25300);
  if (second !== undefined) return said(`this simulated Mac exports one identity at a time; there are ${found.length} in these keychains`);
  const { keychain, item } = first;
  if (passphrase === null || isLocked(call.state, keychain, call.now) || !mayExport(item)) return failure('SecKeychainItemExport', -25308);
  return legacyPkcs12(
    {
      certificatePem: readFileSync(call.state.certificate(keychain.id, item.sha1), 'utf8'),
      privateKeyPem: readFileSync(call.state.privateKey(keychain.id, item.sha1), 'utf8'),
    },
    passphrase,
  );
}

/** `security` has a partition of its own (securityd, clientid.cpp). */
const mayExport = ({ access, partitions }: KeychainIdentity): boolean =>
  (access === 'any' || access.includes('/usr/bin/security')) && partitions.includes('apple-tool:');

/** `PEM_STRING_PKCS12` of SecImportExportPem.h. */
const armoured = (bytes: Uint8Array): string => {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PKCS12-----', ...lines, '-----END PKCS12-----', ''].join('\n');
};

function written(path: string | null, content: string | Uint8Array | Answer): Answer {
  if (typeof content === 'object' && 'code' in content) return content;
  if (path === null) return { stdout: content, code: 0 };
  writeFileSync(path, content, { mode: 0o600 });
  return { stderr: `...${Buffer.byteLength(content)} bytes written to ${path}\n`, code: 0 };
}
