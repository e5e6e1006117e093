import type { LineName, NodeName, Sha1, Sha256, TeamId, Uuid } from './brands.js';

/** How an app is distributed; decides the window and the export options. */
export type Method = 'app-store' | 'ad-hoc' | 'development' | 'enterprise';
export type Role = 'host' | 'extension' | 'watch' | 'clip';

/** One frozen `profiles.json` (config.md); its identity is the SHA-256 of its frozen bytes. */
export interface Manifest {
  readonly schemaVersion: 1;
  readonly line: LineName;
  /** Keyed by the SHA-1 of the certificate, lower case. */
  readonly certificates: Readonly<Record<Sha1, ManifestCertificate>>;
  readonly profiles: readonly ManifestEntry[];
}

export interface ManifestCertificate {
  readonly commonName: string;
  readonly team: TeamId;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly expiresAt: string;
}

export interface ManifestEntry {
  readonly app: string;
  readonly role: Role;
  readonly team: TeamId;
  readonly bundleId: string;
  readonly method: Method;
  /** Tells apart two entries of one (team, bundle id, method). */
  readonly variant?: string;
  /** The node that alone holds this entry (per-runner identities). */
  readonly holder?: NodeName;
  readonly targets: readonly string[];
  /** The certificate that builds sign with; one of `profile.certificates`. */
  readonly identity: Sha1;
  readonly profile: ManifestProfile;
}

export interface ManifestProfile {
  readonly uuid: Uuid;
  /** Always `<uuid>.mobileprovision`. */
  readonly fileName: string;
  /** SHA-256 of the file's bytes. */
  readonly sha256: Sha256;
  readonly name: string;
  /** `<prefix>.<bundle id or wildcard>`. */
  readonly appId: string;
  readonly platforms: readonly string[];
  readonly certificates: readonly Sha1[];
  readonly createdAt: string;
  readonly expiresAt: string;
}
