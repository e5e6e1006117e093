import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ResealError } from '../domain/errors.js';
import { sha256Of } from '../manifest/digest.js';
import type { TlsDeclaration } from '../schema/reseal.js';

/** Older versions have known weaknesses (RFC 8996). */
const OLDEST = 'TLSv1.2';
const LARGEST = 256 * 1024;
/** Between two looks at the files, in milliseconds. */
const LOOK_EVERY = 5_000;

/** What a server proves itself with. */
export interface TlsIdentity {
  /** For `https.createServer`, and for `setSecureContext` later. */
  readonly options: SecureContextOptions & { readonly cert: string };
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** What clients may call the server, as in the certificate: `DNS:reseal.acme.com, IP Address:10.1.0.4`. */
  readonly names: string;
  /** SHA-256 of both files, to see whether they were changed. */
  readonly digest: string;
}

const wrong = (field: keyof TlsDeclaration, path: string, found: string, expected: string, cause?: unknown): ResealError =>
  new ResealError('CONFIG_INVALID', `The control API cannot use ${path} (api.tls.${field} of reseal.yaml): it ${found}. ${expected}`, { cause }); // prettier-ignore

/**
 * Reads certificate and key of the control API, and holds them against each other and the clock.
 * @param now milliseconds since 1970
 * @throws ResealError CONFIG_INVALID; nothing of a key is in it
 */
export function readTlsIdentity({ certificate, key }: TlsDeclaration, now: number): TlsIdentity {
  const cert = readText('certificate', certificate, 'public');
  const [leaf] = certificatesIn(cert, certificate);
  const secret = readText('key', key, 'secret');
  if (!leaf.checkPrivateKey(privateKey(secret, key)))
    throw wrong('key', key, `is not the key of the certificate in ${certificate}`, 'Put the pair there that was issued together.');
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  if (now < from)
    throw wrong('certificate', certificate, `is valid only from ${day(from)} on`, "Set this machine's clock, or wait until then.");
  if (now >= to) throw wrong('certificate', certificate, `expired on ${day(to)}`, 'Have it renewed; key and certificate are read again by themselves.'); // prettier-ignore
  const options = { cert, key: secret, minVersion: OLDEST } as const;
  try {
    createSecureContext(options);
  } catch (error) {
    throw wrong('certificate', certificate, `is not taken by TLS (${(error as Error).message})`, 'Use RSA from 2048 bits, ECDSA or Ed25519.', error); // prettier-ignore
  }
  return { options, expiresAt: to, names: leaf.subjectAltName ?? leaf.subject, digest: sha256Of(Buffer.from(`${cert}\0${secret}`)) };
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

function readText(field: keyof TlsDeclaration, path: string, kind: 'public' | 'secret'): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw wrong(field, path, code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`, 'Put it there, readable by this account.', error); // prettier-ignore
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw wrong(field, path, 'is no regular file', 'It is a file in PEM.');
    if (stat.size > LARGEST) throw wrong(field, path, `is larger than ${LARGEST / 1024} KiB`, 'It is a file in PEM.');
    if (kind === 'secret' && (stat.mode & 0o077) !== 0)
      throw wrong(field, path, `can be read by other accounts (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')})`, 'Give it mode 0600, and see who had it.'); // prettier-ignore
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The blocks of a PEM file. */
export const certificateBlocks = (pem: string): readonly string[] => pem.match(CERTIFICATE) ?? [];

function certificatesIn(pem: string, path: string): readonly [X509Certificate, ...X509Certificate[]] {
  const expected = "It is the server's certificate in PEM, followed by those that issued it.";
  try {
    const [leaf, ...issuers] = certificateBlocks(pem).map((block) => new X509Certificate(block));
    if (leaf !== undefined) return [leaf, ...issuers];
  } catch (error) {
    throw wrong('certificate', path, 'holds a certificate that cannot be read', expected, error);
  }
  throw wrong('certificate', path, 'holds no certificate', expected);
}

function privateKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The reader's own words are left out: they might quote.
    const found = /ENCRYPTED/.test(pem) ? 'is encrypted with a passphrase' : 'holds no private key in PEM';
    throw wrong('key', path, found, 'It is the key as it is, in a file of mode 0600.');
  }
}

/** The identity that is served, renewed when its files are; what is no use is told once, and the one before it goes on. */
export class ServedIdentity {
  private now: TlsIdentity;
  private told = '';
  private timer: NodeJS.Timeout | null = null;

  /** @throws ResealError CONFIG_INVALID @param clock milliseconds since 1970 */
  constructor(
    private readonly files: TlsDeclaration,
    private readonly around: { readonly onTrouble: (sentence: string) => void; readonly onRenewed?: (identity: TlsIdentity) => void },
    private readonly clock: () => number = Date.now,
    /** Milliseconds between two looks. */
    private readonly every = LOOK_EVERY,
  ) {
    this.now = readTlsIdentity(files, clock());
  }

  get current(): TlsIdentity {
    return this.now;
  }

  /** Looks every few seconds: files behind symbolic links, as containers mount them, tell nobody of their change. */
  watch(onChanged: (options: TlsIdentity['options']) => void): void {
    this.timer = setInterval(() => {
      this.look(onChanged);
    }, this.every);
    this.timer.unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
  }

  private look(onChanged: (options: TlsIdentity['options']) => void): void {
    try {
      const read = readTlsIdentity(this.files, this.clock());
      this.told = '';
      if (read.digest === this.now.digest) return;
      this.now = read;
      this.around.onRenewed?.(read);
      onChanged(read.options);
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      if (sentence === this.told) return;
      this.told = sentence;
      this.around.onTrouble(
        `${sentence} Meanwhile it goes on with the certificate that it has, which expires on ${day(this.now.expiresAt)}.`,
      );
    }
  }
}
