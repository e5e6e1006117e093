import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Sha1, TeamId } from '../domain/brands.js';
import { readCertificate } from '../profile/certificate.js';
import { issue, newPrivateKey, openAuthority, type Authority, type Validity } from './apple/authority.js';
import { profileFile, type ProfileRequest, type ProfileSigner } from './apple/profile-file.js';

export type { ProfileRequest, ProfileSigner } from './apple/profile-file.js';

/** An identity of the simulated Apple: what a team signs its apps with. */
export interface DistributionCertificate {
  readonly sha1: Sha1;
  readonly commonName: string;
  readonly team: TeamId;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly der: Uint8Array;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface CertificateRequest {
  /** As `Apple Distribution: Acme GmbH (9QK4T7XW2B)`; a renewed certificate has the same. */
  readonly commonName: string;
  readonly team: string;
  /** A year before `notAfter` by default. */
  readonly notBefore?: Date;
  readonly notAfter: Date;
}

/** A simulated Apple: real certificates and real signatures under a root of its own, which only simulated nodes trust. */
export interface AppleHierarchy {
  readonly folder: string;
  /** The root to pin (`trust.extraRoots`). */
  readonly rootPem: string;
  /** The certificate that issues identities; `codesign` prints it as the second Authority. */
  readonly wwdrPem: string;
  readonly profileSigner: ProfileSigner;
  /** Issues an identity with a key of its own and keeps it in the folder. */
  issueCertificate(request: CertificateRequest): Promise<DistributionCertificate>;
  /** All identities issued so far, oldest expiry first. */
  certificates(): Promise<readonly DistributionCertificate[]>;
  /** Another signer of profiles under the same authority, as Apple has overlapping ones. Not kept. */
  issueProfileSigner(validity: Validity): Promise<ProfileSigner>;
  /** @param by the hierarchy's own signer by default */
  makeProfile(request: ProfileRequest, by?: ProfileSigner): Uint8Array;
}

const ORGANIZATION = 'reseal simulation';
const CERTIFICATION = 'Certification Authority';
const YEAR = 365 * 86_400_000;
const ROOT: Validity = { notBefore: new Date('2006-04-25T21:40:36Z'), notAfter: new Date('2049-12-31T00:00:00Z') };
const INTERMEDIATE: Validity = { notBefore: new Date('2010-01-01T00:00:00Z'), notAfter: new Date('2049-06-30T00:00:00Z') };
/** The four authorities, by file name. Their common names are Apple's, so that the same policy of signers can be held against them. */
const NAMES = {
  root: 'Simulated Apple Root CA',
  'provisioning-ca': 'Apple iPhone Certification Authority',
  'profile-signer': 'Apple iPhone OS Provisioning Profile Signing',
  wwdr: 'Apple Worldwide Developer Relations Certification Authority',
} as const;
type AuthorityName = keyof typeof NAMES;
const AUTHORITIES: readonly AuthorityName[] = ['root', 'provisioning-ca', 'profile-signer', 'wwdr'];

/**
 * Opens the hierarchy kept in a folder, or makes one there. Made beside it and renamed into place, so that a folder is
 * whole or absent; of two that make one at the same time, the second takes the first's. Private keys have mode 0600.
 *
 * @param folder belongs to the hierarchy alone
 */
export async function openAppleHierarchy(folder: string): Promise<AppleHierarchy> {
  const authorities = (await readAuthorities(folder)) ?? (await createAuthorities(folder));
  return hierarchy(folder, authorities);
}

type Authorities = Readonly<Record<AuthorityName, Authority>>;

function hierarchy(folder: string, authorities: Authorities): AppleHierarchy {
  const { root, wwdr } = authorities;
  const provisioning = authorities['provisioning-ca'];
  const profileSigner: ProfileSigner = { signer: authorities['profile-signer'], above: [provisioning, root] };
  const kept = join(folder, 'certificates');
  return {
    folder,
    rootPem: root.certificatePem,
    wwdrPem: wwdr.certificatePem,
    profileSigner,
    issueCertificate: async (request) => {
      const certificate = issueIdentity(request, wwdr, await newPrivateKey());
      await keep(kept, certificate);
      return certificate;
    },
    certificates: () => readCertificates(kept),
    issueProfileSigner: async (validity) => {
      const subject = { commonName: NAMES['profile-signer'], organization: ORGANIZATION };
      return {
        signer: issue(subject, validity, { kind: 'profile-signer' }, await newPrivateKey(), provisioning),
        above: [provisioning, root],
      };
    },
    makeProfile: (request, by = profileSigner) => profileFile(request, by),
  };
}

async function readAuthorities(folder: string): Promise<Authorities | null> {
  try {
    const read = await Promise.all(
      AUTHORITIES.map(async (name) => [name, openAuthority(await text(folder, `${name}.pem`), await text(folder, `${name}.key`))] as const),
    );
    return Object.fromEntries(read) as Record<AuthorityName, Authority>;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

async function createAuthorities(folder: string): Promise<Authorities> {
  const authorities = await newAuthorities();
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    await mkdir(join(draft, 'certificates'), { mode: 0o700 });
    await Promise.all(AUTHORITIES.map((name) => writePair(draft, name, authorities[name])));
    await rename(draft, folder);
    return authorities;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const other = isCode(error, 'ENOTEMPTY') || isCode(error, 'EEXIST') ? await readAuthorities(folder) : null;
    if (other === null) throw error;
    return other;
  }
}

async function newAuthorities(): Promise<Authorities> {
  const [rootKey, provisioningKey, signerKey, wwdrKey] = await Promise.all([
    newPrivateKey(),
    newPrivateKey(),
    newPrivateKey(),
    newPrivateKey(),
  ]);
  const authority = (name: AuthorityName) => ({ commonName: NAMES[name], organization: ORGANIZATION, organizationalUnit: CERTIFICATION });
  const root = issue(authority('root'), ROOT, { kind: 'authority' }, rootKey, null);
  const provisioning = issue(authority('provisioning-ca'), INTERMEDIATE, { kind: 'authority', pathLength: 0 }, provisioningKey, root);
  const wwdr = issue(authority('wwdr'), INTERMEDIATE, { kind: 'authority', pathLength: 0 }, wwdrKey, root);
  const signer = issue(
    { commonName: NAMES['profile-signer'], organization: ORGANIZATION },
    INTERMEDIATE,
    { kind: 'profile-signer' },
    signerKey,
    provisioning,
  );
  return { root, 'provisioning-ca': provisioning, 'profile-signer': signer, wwdr };
}

function issueIdentity(request: CertificateRequest, wwdr: Authority, privateKeyPem: string): DistributionCertificate {
  const validity = { notBefore: request.notBefore ?? new Date(request.notAfter.getTime() - YEAR), notAfter: request.notAfter };
  const subject = { commonName: request.commonName, organization: ORGANIZATION, organizationalUnit: request.team, userId: request.team };
  const issued = issue(subject, validity, { kind: 'distribution' }, privateKeyPem, wwdr);
  return described(issued.certificatePem, privateKeyPem);
}

function described(certificatePem: string, privateKeyPem: string): DistributionCertificate {
  const { raw } = new X509Certificate(certificatePem);
  const certificate = readCertificate(raw);
  const team = /^OU=([A-Z0-9]+)$/m.exec(certificate.x509.subject)?.[1] ?? '';
  return {
    sha1: certificate.sha1,
    commonName: certificate.commonName,
    team: team as TeamId,
    serial: certificate.serial,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    der: raw,
    certificatePem,
    privateKeyPem,
  };
}

/** The key first: a certificate that is listed has its key. */
async function keep(folder: string, certificate: DistributionCertificate): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writePair(folder, certificate.sha1, certificate);
}

async function readCertificates(folder: string): Promise<readonly DistributionCertificate[]> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{40}\.pem$/.test(name)).map((name) => name.slice(0, -4));
  const all = await Promise.all(names.map(async (name) => described(await text(folder, `${name}.pem`), await text(folder, `${name}.key`))));
  return all.sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime() || (a.sha1 < b.sha1 ? -1 : 1));
}

async function writePair(
  folder: string,
  name: string,
  pair: { readonly certificatePem: string; readonly privateKeyPem: string },
): Promise<void> {
  await replace(join(folder, `${name}.key`), pair.privateKeyPem, 0o600);
  await replace(join(folder, `${name}.pem`), pair.certificatePem, 0o644);
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, content, { mode });
  await chmod(draft, mode);
  await rename(draft, path);
}

const text = (folder: string, name: string): Promise<string> => readFile(join(folder, name), 'utf8');

const isCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
