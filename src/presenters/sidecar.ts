import type { AliasesAnswer } from '../sidecar/wire.js';

/** One alias of a signing sidecar. */
export interface AliasView {
  readonly alias: string;
  /** SHA-1; null where its key cannot be read. */
  readonly certificate: string | null;
  readonly commonName: string | null;
  readonly expiresAt: string | null;
  readonly usable: boolean;
  /** Why not; null where it can sign. */
  readonly trouble: string | null;
}

export interface SidecarAliasesView {
  readonly schemaVersion: 1;
  readonly signer: 'rcodesign' | 'stand-in';
  /** Why sidecar.yaml as it is now is not in force. */
  readonly trouble: string | null;
  readonly aliases: readonly AliasView[];
}

export function sidecarAliasesView(answer: AliasesAnswer, now: number): SidecarAliasesView {
  return {
    schemaVersion: 1,
    signer: answer.signer,
    trouble: answer.trouble,
    aliases: answer.aliases.map((one): AliasView => {
      if ('trouble' in one)
        return { alias: one.alias, certificate: null, commonName: null, expiresAt: null, usable: false, trouble: one.trouble };
      const { alias, certificate, commonName, expiresAt } = one;
      const expired = Date.parse(expiresAt) <= now;
      return { alias, certificate, commonName, expiresAt, usable: !expired, trouble: expired ? 'its certificate has expired' : null };
    }),
  };
}

interface Pen {
  table(heading: readonly string[], rows: readonly (readonly string[])[]): string[];
  time(at: number, now: number): string;
}

export function sidecarAliasesText(view: SidecarAliasesView, pen: Pen, now: number): string[] {
  const rows = view.aliases.map((one) => [
    one.alias,
    one.certificate?.slice(0, 8) ?? '-',
    one.commonName ?? '-',
    one.expiresAt === null ? '-' : pen.time(Date.parse(one.expiresAt), now),
  ]);
  return [
    ...(view.aliases.length === 0 ? ['It has no alias.'] : pen.table(['ALIAS', 'CERTIFICATE', 'NAME', 'EXPIRES'], rows)),
    ...view.aliases.flatMap((one) => (one.trouble === null ? [] : [`${one.alias} cannot sign: ${one.trouble}`])),
    ...(view.trouble === null ? [] : [`What sidecar.yaml said before stays in force: ${view.trouble}`]),
    ...(view.signer === 'rcodesign' ? [] : ['signer: stand-in. It signs nothing.']),
  ];
}
