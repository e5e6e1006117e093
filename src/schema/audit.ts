import { z } from 'zod';
import type { Sha256 } from '../domain/brands.js';
import type { AuditRecord, AuditSeal } from '../domain/audit/record.js';

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Sha256);
/** Names of chains: they are names of files, objects and rows as well. */
export const CHAIN_NAME = /^[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?$/;
const chain = z.string().regex(CHAIN_NAME);
const seq = z.int().positive();
/** Longer ones are not facts: what is written is cut before. */
const short = z.string().max(1_000);
const facts = z.record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9]{0,40}$/), z.union([short, z.number(), z.array(short).max(1_000)]));
const key = z.string().max(1_000).nullable();
const head = z.strictObject({ chain, seq, digest: sha256 });

const common = { schemaVersion: z.literal(1), chain, seq, at: z.iso.datetime(), previous: sha256 } as const;

/** One line of a chain. */
export const AuditRecordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('begin'),
    writer: z.strictObject({ kind: z.enum(['worker', 'api', 'agent', 'gateway', 'break-glass']), name: short }),
    key,
    version: short,
    after: short.nullable(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('resume'),
    key,
    version: short,
    cut: z.strictObject({ bytes: z.int().positive(), sha256 }).nullable(),
  }),
  z.strictObject({ ...common, kind: z.literal('intent'), effect: short, attempt: z.int().nonnegative(), facts }),
  z.strictObject({
    ...common,
    kind: z.literal('result'),
    of: seq,
    effect: short,
    outcome: z.enum(['done', 'failed']),
    code: short.nullable(),
    facts,
  }),
  z.strictObject({ ...common, kind: z.literal('denial'), code: short, facts }),
  z.strictObject({
    ...common,
    kind: z.literal('unwritten'),
    unwritten: z.strictObject({ records: z.int().positive(), since: z.iso.datetime() }),
  }),
]) satisfies z.ZodType<AuditRecord>;

/** A line after a record. */
export const AuditSealSchema = z.strictObject({ seal: head, signature: z.string().max(4_000) }) satisfies z.ZodType<AuditSeal>;
