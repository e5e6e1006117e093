import type { IdentityFacts } from '../identity/pkcs12.js';

/** What `reseal certificate import` did. Nothing of a key is in it. */
export interface CertificateImportView {
  readonly schemaVersion: 1;
  readonly line: string;
  readonly identity: IdentityFacts;
  readonly importedBy: string;
  /** The nodes that can open it now. */
  readonly sealedFor: readonly string[];
}

export function certificateImportText(view: CertificateImportView, time: (at: number) => string): readonly string[] {
  const { identity, sealedFor } = view;
  const rows: readonly (readonly [string, string])[] = [
    ['identity', `${identity.sha1.slice(0, 8)} ${identity.commonName}`],
    ['team', identity.team],
    ['expires', time(Date.parse(identity.expiresAt))],
    ['sealed for', sealedFor.join(', ')],
    ['imported by', `${view.importedBy}, who cannot approve a rotation to it`],
  ];
  return [
    ...rows.map(([label, value]) => `${label.padEnd(12)} ${value}`),
    '',
    'Each of these nodes alone can open its copy. Keep the .p12 where keys are kept, or destroy it: reseal needs it no more.',
  ];
}
