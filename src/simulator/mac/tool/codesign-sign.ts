import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../certificate-facts.js';
import { touch } from '../keychain-file.js';
import { nestedBundles, openCode, type Code } from './bundle.js';
import type { Answer, Call } from './call.js';
import type { CodesignOptions } from './codesign-options.js';
import { chooseIdentity, isTrusted, mayUseKey, type Chosen } from './identity-choice.js';
import { clearStandIn, leaveStandIn, standInOf } from './stand-in.js';

/** Signs code with an identity of a keychain, or says why not in the words of mac-tools.md. `codesign` checks the identity first, then the code. */
export function sign(call: Call, options: CodesignOptions, code: Code): Answer {
  const chosen = options.identity === '-' ? null : chooseIdentity(call, options.identity, options.keychain);
  if (chosen !== null && 'sentence' in chosen) return { stderr: `${options.identity}: ${chosen.sentence}\n`, code: 1 };
  const isSigned = code.machO.signature !== null;
  // As reports have it of codesign without -f; not in mac-tools.md.
  if (isSigned && !options.force) return { stderr: `${code.named}: is already signed\n`, code: 1 };
  const replacing = isSigned ? `${code.named}: replacing existing signature\n` : '';
  const answer = refusal(call, chosen, code) ?? unsignedInside(call, options, code) ?? signNow(call, options, code, chosen);
  return { ...answer, stderr: `${replacing}${answer.stderr ?? ''}` };
}

function refusal(call: Call, chosen: Chosen | null, code: Code): Answer | null {
  if (chosen === null) return null;
  const failed = `${code.named}: errSecInternalComponent\n`;
  if (!isTrusted(call, chosen.identity))
    return { stderr: `Warning: unable to build chain to self-signed root for signer "${chosen.identity.label}"\n${failed}`, code: 1 };
  return mayUseKey(call, chosen) ? null : { stderr: failed, code: 1 };
}

/** Without --deep, bundles inside have to be signed already; the words are from reports, not from mac-tools.md. */
function unsignedInside(call: Call, options: CodesignOptions, code: Code): Answer | null {
  if (options.deep || code.folder === null) return null;
  const takesStandIns = rcodesignOf(call) === null;
  const unsigned = nestedBundles(code.folder).find((path) => {
    const inside = openCode(path);
    if (typeof inside === 'string') return true;
    return inside.machO.signature === null && !(takesStandIns && standInOf(inside) !== null);
  });
  return unsigned === undefined
    ? null
    : { stderr: `${code.named}: code object is not signed at all\nIn subcomponent: ${unsigned}\n`, code: 1 };
}

const rcodesignOf = (call: Call): string | null => readFileSync(call.state.file('rcodesign'), 'utf8').trim() || null;

function signNow(call: Call, options: CodesignOptions, code: Code, chosen: Chosen | null): Answer {
  const rcodesign = rcodesignOf(call);
  if (rcodesign === null) return leaveStandIn(code, chosen?.identity.sha1 ?? '-');
  clearStandIn(code);
  const work = mkdtempSync(join(tmpdir(), 'reseal-sim-sign-'));
  try {
    const args = [...signingArguments(call, options), ...(chosen === null ? [] : identityArguments(call, chosen, work))];
    const ended = spawnSync(rcodesign, ['sign', ...args, code.folder ?? code.executable], { encoding: 'utf8' });
    if (ended.status !== 0) return { stderr: `${code.named}: ${(ended.error?.message ?? ended.stderr).trim()}\n`, code: 1 };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (chosen !== null) touch(call.state, chosen.keychain, call.now);
  return { code: 0 };
}

function signingArguments(call: Call, options: CodesignOptions): readonly string[] {
  return [
    ...['--config-file', '/dev/null', '--timestamp-url', 'none'],
    ...['--signing-time', new Date(call.now * 1000).toISOString()],
    ...(options.deep ? [] : ['--shallow']),
    ...(options.entitlements === null ? [] : ['--entitlements-xml-file', options.entitlements]),
    ...(options.identifier === null ? [] : ['--binary-identifier', options.identifier]),
    ...(options.flags === null ? [] : options.flags.split(',').flatMap((flag) => ['--code-signature-flags', flag])),
  ];
}

/**
 * rcodesign takes the first certificate for the signer's; the chain is what the Mac has of it. The key stays where it is.
 *
 * @param work a folder for what is nobody's secret
 */
function identityArguments(call: Call, { keychain, identity }: Chosen, work: string): readonly string[] {
  const certificate = call.state.certificate(keychain.id, identity.sha1);
  const x509 = new X509Certificate(readFileSync(certificate));
  const chain = join(work, 'chain.pem');
  writeFileSync(chain, chainOf(call, x509));
  const { team } = certificateFacts(x509);
  const files = [certificate, call.state.privateKey(keychain.id, identity.sha1), chain].flatMap((path) => ['--pem-file', path]);
  return [...files, ...(team === null ? [] : ['--team-name', team])];
}

function chainOf(call: Call, leaf: X509Certificate): string {
  const text = readFileSync(call.state.file('authorities.pem'), 'utf8');
  const all = [...text.matchAll(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/g)].map(
    ([pem]) => new X509Certificate(pem),
  );
  const chain: X509Certificate[] = [];
  for (let top = leaf; !top.checkIssued(top);) {
    const issuer = all.find((one) => top.checkIssued(one) && top.verify(one.publicKey));
    if (issuer === undefined) break;
    chain.push(issuer);
    top = issuer;
  }
  return chain.map((one) => one.toString()).join('');
}
