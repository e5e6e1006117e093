import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';

/** RSA, as forge signs with nothing else; made once for each process, since that takes a moment. */
const newKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Issued {
  readonly pem: string;
  readonly key: string;
}

interface Request {
  readonly name: string;
  /** IP addresses and host names. */
  readonly names?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
  readonly authority?: true;
}

let serial = 0;

function issue({ name, names = [], from, to, authority }: Request, by?: Issued): Issued {
  const key = newKey();
  const certificate = forge.pki.createCertificate();
  const own = forge.pki.privateKeyFromPem(key);
  certificate.publicKey = forge.pki.setRsaPublicKey(own.n, own.e);
  certificate.serialNumber = (0x1000 + ++serial).toString(16);
  certificate.validity.notBefore = from ?? new Date(Date.now() - 86_400_000);
  certificate.validity.notAfter = to ?? new Date(Date.now() + 90 * 86_400_000);
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(by === undefined ? subject : forge.pki.certificateFromPem(by.pem).subject.attributes);
  const altNames = names.map((one) => (/^[\d.]+$/.test(one) ? { type: 7, ip: one } : { type: 2, value: one }));
  certificate.setExtensions([
    { name: 'basicConstraints', cA: authority === true, critical: true },
    ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName', altNames }]),
  ]);
  certificate.sign(forge.pki.privateKeyFromPem((by ?? { key }).key), forge.md.sha256.create());
  return { pem: forge.pki.certificateToPem(certificate), key };
}

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** An authority of a company's own, and the certificates that it issues as files. */
export class TestAuthority {
  private readonly root = issue({ name: `reseal test authority ${process.pid}`, authority: true });
  /** In PEM, for `ca`. */
  readonly file: string;

  constructor(private readonly folder: string) {
    this.file = join(folder, 'authority.pem');
    writeFileSync(this.file, this.root.pem);
  }

  get pem(): string {
    return this.root.pem;
  }

  /** Writes `<name>.pem` and `<name>.key`; over those that are there. */
  issue(name: string, request: Omit<Request, 'name' | 'authority'>): TlsFiles {
    const { pem, key } = issue({ name, ...request }, this.root);
    const files = { certificate: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) };
    writeFileSync(files.certificate, pem);
    writeFileSync(files.key, key, { mode: 0o600 });
    chmodSync(files.key, 0o600);
    return files;
  }
}
