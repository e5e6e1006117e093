import { isSha1, isUuid, type LineName, type NodeName, type Sha1, type Sha256 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { impactOf, type ImpactFacts, type ImpactQuestion } from '../domain/impact/impact.js';
import type { Manifest, ManifestCertificate } from '../domain/manifest.js';
import { revokedAmong, type DeadCertificate, type NamedCertificate } from '../domain/revocations.js';
import { parseManifest } from '../manifest/parse.js';
import { impactView, type ImpactView } from '../presenters/impact.js';
import { revocationsEverywhere } from '../../activities/revocations/known.js';
import { situationOf } from '../../activities/rotation/surroundings.js';
import type { RotationDesk } from './rotations.js';

export interface ImpactQuery {
  readonly certificate?: string | undefined;
  readonly profile?: string | undefined;
  readonly node?: string | undefined;
}

/** Manifests by digest never change: they are parsed once. */
const PARSED = new Map<Sha256, Manifest>();
/** A mesh has some ten of them at a time. */
const MOST_PARSED = 200;

/** @throws ResealError USAGE, NOT_FOUND */
export async function showImpact(desk: RotationDesk, query: ImpactQuery): Promise<ImpactView> {
  const facts = await factsOf(desk);
  const { question, certificate } = questionOf(query, facts);
  const dead = question.kind === 'certificate' ? await deadOf(desk, { sha1: question.sha1, serial: certificate?.serial ?? null }) : null;
  return impactView(question, impactOf(question, facts), certificate, dead);
}

async function deadOf({ around }: RotationDesk, certificate: NamedCertificate): Promise<DeadCertificate | null> {
  const { revocations } = await revocationsEverywhere(around);
  return revokedAmong(revocations, [certificate])[0] ?? null;
}

async function factsOf(desk: RotationDesk): Promise<ImpactFacts> {
  const { topology } = desk.around.configuration();
  const [nodes, handoffs] = await Promise.all([desk.ledger.nodeTruths(), desk.ledger.openHandoffs(Date.now())]);
  const heads = new Map<LineName, Sha256>();
  const manifests = new Map<Sha256, Manifest>();
  for (const line of Object.keys(topology.lines) as LineName[]) {
    const { store } = situationOf(desk.around, line);
    const head = await store.head(line);
    if (head !== null) heads.set(line, head.digest);
    const named = [
      ...(head === null ? [] : [head.digest]),
      ...nodes
        .filter((node) => node.line === line)
        .flatMap((node) => [...node.accepted, ...(node.pins?.held ?? []).map((pin) => pin.manifest)]),
      ...handoffs.filter((handoff) => handoff.line === line).map((handoff) => handoff.manifest),
    ];
    for (const digest of new Set(named)) {
      const manifest = await readManifest(digest, () => store.manifest(digest));
      // A build may hold what this store never had: it is counted by its node, and concerns nothing that is known here.
      if (manifest !== null) manifests.set(digest, manifest);
      else if (digest === head?.digest)
        throw new ResealError('STORE_UNREACHABLE', `The store does not have the manifest in force on ${line}, ${digest}.`);
    }
  }
  return { topology, heads, manifests, nodes, handoffs };
}

async function readManifest(digest: Sha256, read: () => Promise<Uint8Array>): Promise<Manifest | null> {
  const known = PARSED.get(digest);
  if (known !== undefined) return known;
  let bytes: Uint8Array;
  try {
    bytes = await read();
  } catch (error) {
    if (error instanceof ResealError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
  const manifest = parseManifest(bytes, `manifests/${digest}.json`);
  if (PARSED.size >= MOST_PARSED) PARSED.clear();
  PARSED.set(digest, manifest);
  return manifest;
}

interface Asked {
  readonly question: ImpactQuestion;
  readonly certificate: ManifestCertificate | null;
}

function questionOf({ certificate, profile, node }: ImpactQuery, facts: ImpactFacts): Asked {
  const given = [certificate, profile, node].filter((one) => one !== undefined);
  if (given.length !== 1) throw new ResealError('USAGE', 'Name one of --certificate, --profile and --node.');
  if (certificate !== undefined) return certificateOf(certificate, facts);
  if (profile !== undefined) {
    const uuid = profile.toLowerCase().replace(/\.mobileprovision$/, '');
    if (!isUuid(uuid)) throw new ResealError('USAGE', `--profile is ${JSON.stringify(profile)}; it takes a profile's UUID.`);
    return { question: { kind: 'profile', uuid: uuid }, certificate: null };
  }
  const name = node ?? '';
  if (!facts.topology.nodes.some((one) => one.name === name))
    throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}. List nodes with \`reseal node list\`.`);
  return { question: { kind: 'node', node: name as NodeName }, certificate: null };
}

/** By SHA-1, with or without colons and in any case, or by serial number, whole or its last six digits or more where only one certificate has them. */
function certificateOf(text: string, { manifests }: ImpactFacts): Asked {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase();
  const known = new Map<Sha1, ManifestCertificate>();
  for (const manifest of manifests.values())
    for (const [sha1, certificate] of Object.entries(manifest.certificates)) known.set(sha1 as Sha1, certificate);
  if (isSha1(plain)) return { question: { kind: 'certificate', sha1: plain }, certificate: known.get(plain) ?? null };
  if (!/^[0-9a-f]{6,40}$/.test(plain))
    throw new ResealError('USAGE', `--certificate is ${JSON.stringify(text)}; it takes a SHA-1 (40 hexadecimal digits) or a serial number (its last 6 digits or more).`); // prettier-ignore
  const fitting = [...known].filter(([, certificate]) => certificate.serial.toLowerCase().endsWith(plain));
  const [first, second] = fitting;
  if (first === undefined)
    throw new ResealError('NOT_FOUND', `No manifest in force or accepted names a certificate whose serial number ends in ${plain}.`);
  if (second !== undefined)
    throw new ResealError('USAGE', `${fitting.length} certificates have serial numbers that end in ${plain}: ${fitting.map(([sha1]) => sha1).join(', ')}. Name one by its SHA-1.`); // prettier-ignore
  return { question: { kind: 'certificate', sha1: first[0] }, certificate: first[1] };
}
