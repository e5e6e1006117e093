import type { AuditFacts, AuditRecord } from '../domain/audit/record.js';
import type { AuditChainView, AuditExportView, AuditTailView, AuditVerdictView } from './audit.js';

type Table = (heading: readonly string[], rows: readonly (readonly string[])[]) => string[];

export function auditVerdictText(view: AuditVerdictView, table: Table): readonly string[] {
  const rows = view.chains.map((one) => [
    one.chain,
    one.verdict,
    String(one.records),
    one.sealedUpTo === null ? 'no key' : `to ${one.sealedUpTo}`,
    one.anchoredUpTo === null ? 'not yet' : `to ${one.anchoredUpTo}`,
    one.lastAt ?? '-',
  ]);
  const findings = view.chains.flatMap((chain) => findingLines(chain));
  const elsewhere = view.elsewhere.map(({ text }) => text);
  return [
    ...table(['chain', 'verdict', 'records', 'signed', 'anchored', 'last record'], rows),
    ...(findings.length + elsewhere.length === 0 ? [] : ['', ...findings, ...elsewhere]),
    ...(view.onNodes === 0
      ? []
      : [
          '',
          `Anchored, and not verified here: ${view.onNodes} of agents and gateways, on their machines (reseal audit verify <state>/audit).`,
        ]),
  ];
}

function findingLines({ chain, findings, more, folder }: AuditChainView): readonly string[] {
  if (findings.length === 0) return [];
  return [
    `${chain} (${folder}):`,
    ...findings.map(({ fault, text }) => `  ${fault}: ${text}`),
    ...(more === 0 ? [] : [`  and ${more} findings more`]),
  ];
}

export function auditTailText({ records }: AuditTailView, table: Table): readonly string[] {
  if (records.length === 0) return ['Nothing is recorded.'];
  return table(
    ['time', 'chain', 'record', 'what', ''],
    records.map((record) => [record.at, record.chain, String(record.seq), whatOf(record), factsText(factsOf(record))]),
  );
}

function whatOf(record: AuditRecord): string {
  switch (record.kind) {
    case 'intent':
      return record.attempt > 1 ? `${record.effect}, attempt ${record.attempt}` : record.effect;
    case 'result':
      return `${record.effect} ${record.outcome}${record.code === null ? '' : ` (${record.code})`}, begun in ${record.of}`;
    case 'denial':
      return `turned away (${record.code})`;
    case 'begin':
      return 'the chain begins';
    case 'resume':
      return record.cut === null ? 'taken up' : `taken up, ${record.cut.bytes} half-written bytes cut away`;
    case 'unwritten':
      return `${record.unwritten.records} records could not be written since ${record.unwritten.since}`;
  }
}

const factsOf = (record: AuditRecord): AuditFacts => ('facts' in record ? record.facts : {});

/** Digests by their beginning; the whole of them is in --json. */
const factsText = (facts: AuditFacts): string =>
  Object.entries(facts)
    .map(([name, value]) => {
      const texts = (Array.isArray(value) ? value : [value]).map((one) => String(one).replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1'));
      return `${name}=${texts.join(',')}`;
    })
    .join(' ');

export const auditExportText = ({ folder, chains, anchors }: AuditExportView): readonly string[] => [
  `${chains.length} chains and ${anchors} anchored heads are in ${folder}; verify them anywhere with \`reseal audit verify ${folder}\`.`,
];
