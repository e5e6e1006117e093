import { z } from 'zod';
import { API_ROLES } from '../domain/api-roles.js';
import { gatewayKeys } from './enrolled-key.js';
import { name, positive, positiveDuration, schemaVersion, secretSource, text } from './fields.js';

const address = z
  .string({ error: 'embedded, or host:port' })
  .regex(/^(?:embedded|[^\s:/]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5})$/, { error: 'embedded, or host:port' });

const listen = z
  .string({ error: 'an address and a port like 127.0.0.1:0' })
  .regex(/^(?:[^\s:/]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$/, { error: 'an address and a port like 127.0.0.1:0' });

/** git keeps a ref as a file, and a file's name has 255 bytes; `..` is a range to it. */
const branch = text
  .max(200, { error: 'the name of a branch, at most 200 characters' })
  .regex(/^(?![-.\/])(?!.*\.\.)[A-Za-z0-9._\/-]+(?<![.\/])$/, { error: 'the name of a branch, like main' });

/** Where a bucket is: of a store, or of a copy of the audit log. */
const bucket = {
  bucket: z.string({ error: 'the name of a bucket' }).regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, {
    error: 'the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
  }),
  prefix: z
    .string({ error: 'what names in the bucket begin with' })
    .regex(/^(?:[A-Za-z0-9_=-][A-Za-z0-9._=-]*(?:\/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)?$/, {
      error: 'folders like signing/main, without a slash at either end',
    })
    .default('')
    .meta({ description: 'Folders within the bucket; for each use of it others.' }),
  region: text.regex(/^[a-z0-9-]+$/i, { error: 'a region like eu-central-1' }),
  endpoint: text.nullable().default(null).meta({
    description:
      "https://host[:port] of a server that speaks S3; null: Amazon's own. Credentials come from the environment or AWS's own files and roles, never from here.",
  }),
  addressing: z.enum(['path', 'host'], { error: 'path or host' }).optional().meta({
    description: "host: the bucket is part of the host's name, path: of the path. By default host at Amazon's, path at another endpoint.",
  }),
  timeout: positiveDuration.prefault('20s').meta({ description: 'How long an answer may take.' }),
};

const store = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('git'),
      url: text.meta({
        description: 'A path, or an address that git reaches: ssh://, user@host:path, https:// or file:///; never with credentials.',
      }),
      branch: branch.default('main'),
      timeout: positiveDuration.prefault('20s').meta({ description: 'How long an address may take to answer.' }),
    }),
    z.strictObject({
      kind: z.literal('bucket'),
      ...bucket,
    }),
  ],
  { error: 'a store of kind git or bucket' },
);
const matchRepository = z.strictObject({
  kind: z.literal('match'),
  url: text.meta({ description: 'Of the repository that fastlane match calls git_url; as the url of a store.' }),
  branch: branch.default('master').meta({ description: 'What match calls git_branch.' }),
  passphrase: secretSource.meta({ description: 'What match calls MATCH_PASSWORD; its first line counts. On the machine of the worker.' }),
  writeBack: z
    .boolean({ error: 'true or false' })
    .default(false)
    .meta({ description: 'Whether successors from elsewhere are put into the repository when their rotation has completed.' }),
  timeout: positiveDuration.prefault('20s').meta({ description: 'How long the repository may take to answer.' }),
});

const appStoreConnect = z.strictObject({
  kind: z.literal('app-store-connect'),
  keyId: z.string({ error: 'the id of an API key' }).regex(/^[A-Za-z0-9]{2,32}$/, { error: 'the id of an API key, like 2X9R4HXF34' }),
  // Apple's are no UUIDs by RFC 9562: their variant is another.
  issuerId: z.guid({ error: 'the issuer id of your team, like 57246542-96fe-1a63-e053-0824d011072a' }),
  key: secretSource.meta({ description: 'The contents of AuthKey_<keyId>.p8, on the machine of the worker.' }),
  successors: z
    .enum(['found', 'made'])
    .default('found')
    .meta({ description: 'found: only what is there is looked at; made: reseal makes the missing ones, under names of its own.' }),
  url: z
    .string()
    .regex(/^(?:https:\/\/[^\s\/@?#]+|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?)$/, {
      error: 'https://HOST without a path; http only on this machine',
    })
    .default('https://api.appstoreconnect.apple.com'),
  timeout: positiveDuration.prefault('30s').meta({ description: 'How long one answer may take.' }),
});

const source = z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('drop'), path: text }), matchRepository, appStoreConnect], {
  error: 'a source of kind drop, match or app-store-connect',
});
export type SourceDeclaration = z.infer<typeof source>;

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'an http or https address' }),
  /** A file with the shared secret; the secret itself is never in the configuration. */
  secretFile: text,
  events: z
    .array(
      z.enum(['question', 'outcome', 'gate', 'reminder', 'page', 'keychain', 'successor', 'restored', 'exclusion', 'returned', 'export']),
    )
    .min(1, { error: 'at least one event' })
    .default(['question', 'outcome', 'returned', 'export']),
});

const codec = z.union(
  [
    z.literal('none'),
    z.strictObject({
      control: secretSource.optional().meta({
        description:
          'The key file of the control plane, made by `reseal codec-key new`; on the machines of API and workers. Without it that of the home, where Temporal is embedded.',
      }),
      nodes: secretSource.optional().meta({
        description: 'The key file of an agent or a gateway, made by `reseal codec-key hand-out`; on its own machine.',
      }),
      server: z
        .strictObject({
          listen: listen.default('127.0.0.1:0'),
          origins: z
            .array(z.string().regex(/^https?:\/\/[^\s/]+$/, { error: 'an origin like https://temporal.acme.com' }))
            .default([])
            .meta({ description: "Of Temporal's UI, where it is not the embedded server's: pages of no other origin read anything." }),
        })
        .prefault({})
        .meta({ description: 'Of `reseal codec-server`.' }),
    }),
  ],
  { error: 'none, or the key files control and nodes' },
);
export type CodecDeclaration = z.infer<typeof codec>;

const whenDown = z.enum(['stop', 'go-on'], { error: 'stop or go-on' }).default('stop').meta({
  description: 'stop: nothing goes forward while the copy cannot be written; rollbacks always do.',
});

const auditSink = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('file'),
      path: text.meta({ description: 'A folder, on another disk; a folder for each chain is made in it.' }),
      whenDown,
    }),
    z.strictObject({
      kind: z.literal('bucket'),
      ...bucket,
      retainFor: positiveDuration.meta({
        description:
          'How long nobody removes what is written, counted from its writing; the bucket needs object lock. As long as audits ask for, like 730d.',
      }),
      lock: z.enum(['compliance', 'governance'], { error: 'compliance or governance' }).default('compliance').meta({
        description: "compliance: nobody shortens it, the bucket's owner neither; governance: whoever has the right to bypass it does.",
      }),
      whenDown,
    }),
    z
      .strictObject({ kind: z.literal('ledger'), whenDown })
      .meta({ description: 'The PostgreSQL server of `database`; not the embedded one.' }),
  ],
  { error: 'a sink of kind file, bucket or ledger' },
);

/** Of the control API. */
export const apiLimits = z.strictObject({
  requestsPerMinute: positive.default(1_200).meta({ description: 'Of one caller.' }),
  strangersPerMinute: positive.default(120).meta({ description: 'Requests from one address without a token that counts.' }),
  answerTimeout: positiveDuration.prefault('6m').meta({ description: 'How long an answer may take to begin.' }),
});

const tls = z.strictObject({
  certificate: text.meta({
    description: "A file in PEM: the server's certificate, followed by those that issued it. Read again when it changes.",
  }),
  key: text.meta({ description: 'A file in PEM with its private key, mode 0600. Read again when it changes.' }),
});
export type TlsDeclaration = z.infer<typeof tls>;

const HTTPS_ADDRESS = /^(?:https:\/\/[^\s@?#]+|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:\/[^\s@?#]*)?)$/;
const httpsAddress = z.string({ error: 'an https address' }).regex(HTTPS_ADDRESS, { error: 'an https address; http only on this machine' });

const oidc = z.strictObject({
  issuer: httpsAddress.meta({ description: 'As the provider names itself in its tokens, to the letter.' }),
  audience: text.meta({ description: 'What tokens for this API name as their audience.' }),
  claim: text
    .default('roles')
    .meta({ description: 'The claim that roles are taken from: a name, or names with dots between them, as realm_access.roles.' }),
  roles: z
    .record(text, z.array(z.enum(API_ROLES, { error: `one of ${API_ROLES.join(', ')}` })).min(1, { error: 'at least one role' }))
    .meta({ description: 'What a value of the claim makes of its bearer. Values that are not here make nothing of anybody.' }),
  person: text.optional().meta({
    description: 'The claim that says who of the roster the bearer is; then nobody asks in the name of somebody else. As claim.',
  }),
  ca: text
    .nullable()
    .default(null)
    .meta({ description: 'A file in PEM with the authorities of the provider; null: those that Node.js knows.' }),
});
export type OidcDeclaration = z.infer<typeof oidc>;

const apiClient = z.strictObject({
  url: httpsAddress.meta({ description: 'Of the control API, as its certificate names it.' }),
  token: secretSource.meta({ description: 'The bearer token; its first line counts. Read anew by every command.' }),
  ca: text.nullable().default(null).meta({ description: 'A file in PEM with the authorities of the API; null: those that Node.js knows.' }),
});
export type ApiClientDeclaration = z.infer<typeof apiClient>;

/** `reseal.yaml`. Relative paths in it are relative to the folder that the file is in. */
export const ResealSchema = z.strictObject({
  schemaVersion,
  temporal: z.strictObject({ address: address.default('embedded'), namespace: name.default('reseal') }).prefault({}),
  database: z
    .string({ error: 'embedded, or env:NAME of a variable that holds a PostgreSQL URL' })
    .regex(/^(?:embedded|env:[A-Za-z_][A-Za-z0-9_]*)$/, { error: 'embedded, or env:NAME of a variable that holds a PostgreSQL URL' })
    .default('embedded'),
  api: z
    .strictObject({
      listen: listen.default('127.0.0.1:0').meta({ description: 'Elsewhere than on loopback only with tls.' }),
      tls: tls.optional(),
      oidc: oidc
        .optional()
        .meta({ description: 'Who gives out the tokens of people and pipelines; without it the token of the home is the only one.' }),
      limits: apiLimits.prefault({}),
      client: apiClient.optional().meta({
        description:
          'How commands reach the API from another machine; used where RESEAL_CONFIG names this folder and RESEAL_URL is not set.',
      }),
    })
    .prefault({}),
  stores: z.record(name, store),
  sources: z.record(name, source).default({}),
  /** How nodes of `reach: ssh` are reached. */
  ssh: z
    .strictObject({
      knownHosts: text.nullable().default(null).meta({ description: 'Pinned host keys; null: those of the account that runs the worker.' }),
      config: text.nullable().default(null).meta({ description: 'A file for ssh -F; null: that of the account.' }),
      connections: positive.default(32),
      connectTimeout: positiveDuration.prefault('10s'),
      answerTimeout: positiveDuration.prefault('60s'),
      gateways: z
        .enum(['shared', 'per-region'])
        .default('shared')
        .meta({ description: 'shared: every worker reaches all hosts; per-region: `reseal worker --gateway REGION` those of its region.' }),
      gatewayKeys: z.record(text, gatewayKeys).default({}).meta({
        description:
          'By region: the public keys that its gateways sign their answers with, as `reseal node enroll --gateway REGION` shows it.',
      }),
    })
    .prefault({}),
  /** Keys under which payloads in Temporal are encrypted; absent: by a key of the home, where Temporal is embedded and a node is no simulated one. */
  codec: codec.optional(),
  /** Absent: agents and gateways are given orders as they are. */
  orders: z
    .strictObject({
      key: secretSource.meta({
        description:
          'The private key that orders to agents and gateways are signed with, made by `reseal order-key new`; on the machines of workers. Its public half is pinned by `reseal node enroll --control`.',
      }),
    })
    .optional(),
  /** How an agent reaches the programs of its Mac. */
  agent: z
    .strictObject({
      canary: text.nullable().default(null).meta({
        description: 'The socket of `reseal canary`, through which an agent runs security, codesign and xcodebuild; null: itself.',
      }),
    })
    .prefault({}),
  /** Copies of the audit chains of workers. */
  audit: z.strictObject({ sinks: z.record(name, auditSink).default({}) }).prefault({}),
  trust: z.strictObject({ extraRoots: z.array(text).default([]) }).prefault({}),
  notify: z.strictObject({ webhooks: z.array(webhook).default([]) }).prefault({}),
});

export type ResealConfiguration = z.infer<typeof ResealSchema>;
export type StoreDeclaration = ResealConfiguration['stores'][string];
export type Webhook = ResealConfiguration['notify']['webhooks'][number];
export type AuditSinkDeclaration = ResealConfiguration['audit']['sinks'][string];
export type BucketSinkDeclaration = Extract<AuditSinkDeclaration, { readonly kind: 'bucket' }>;
