import type { RevokedCertificate } from '../domain/revoked-certificate.js';

/** What a statement about a line has to name. */
export interface TermsView {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly line: string;
  /** `name`: every node is simulated, and a name counts for whoever has no key on the roster. */
  readonly assurance: 'name' | 'signature';
  /** Where one was asked for: the certificate in force that an emergency replaces. */
  readonly revoked?: RevokedCertificate;
}

/** A person of the roster. */
export interface PersonView {
  readonly schemaVersion: 1;
  readonly id: string;
  readonly name: string;
  /** Fingerprints of their public keys, as `SHA256:…`. */
  readonly keys: readonly string[];
}
