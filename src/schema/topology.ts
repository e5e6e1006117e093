import { z } from 'zod';
import type { LineName, NodeName, PersonId } from '../domain/brands.js';
import type { NodeDeclaration, Reach, Topology } from '../domain/topology.js';
import { nodeKeys } from './enrolled-key.js';
import { ageRecipient, branded, duration, name, schemaVersion, text, timeOfDay, weekday, zone } from './fields.js';

const nodeName = branded<NodeName>();
const lineName = branded<LineName>();
const nodeRole = z.enum(['signer', 'compile', 'publisher']);

/** A path on the node itself; `~` is the home folder of the node's user. */
const nodePath = z
  .string({ error: 'an absolute path, or one below ~' })
  .regex(/^(?:\/|~\/)./, { error: 'an absolute path, or one below ~' });

/** It becomes an argument of the OpenSSH client: nothing in it may be taken for an option, a command or another host. */
/** Longest name of DNS (RFC 1035, 2.3.4). */
const sshName = z
  .string({ error: 'a name or address' })
  .max(253, { error: 'a name or address of at most 253 characters' })
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:-]*$/, { error: 'a name or address of letters, digits, points, colons, hyphens and underscores' });

const reach = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('agent') }),
    z.strictObject({ kind: z.literal('ssh'), host: sshName, port: z.int().min(1).max(65_535).default(22), user: sshName }),
    z.strictObject({ kind: z.literal('local'), home: text }),
  ],
  { error: 'a reach of kind agent, ssh or local' },
);

const passwordSource = z.union(
  [
    z.strictObject({ file: nodePath }),
    z.strictObject({ environment: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
    z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
  ],
  { error: 'one of file: PATH, environment: NAME, command: [PROGRAM, ARGUMENT…], all on the node' },
);

const keychains = z.strictObject({
  unlockWindows: z.array(z.strictObject({ days: z.array(weekday).min(1), from: timeOfDay, to: timeOfDay, zone })).default([]),
  onUnlockFailure: z.array(z.enum(['retry', 'page', 'another-signer'])).default(['retry', 'page']),
  password: passwordSource.optional(),
  lockAfter: duration.optional(),
});

const line = z.strictObject({
  identity: z.enum(['signers', 'per-node', 'shared', 'sidecar']),
  distribution: z.enum(['copy', 'mount']),
  publisher: nodeName.optional(),
  cacheTime: duration.optional(),
  profilesOn: z.array(nodeRole).min(1, { error: 'at least one role' }),
  store: name,
  sources: z.array(name).default([]),
  successorOwner: branded<PersonId>(),
  keychains: keychains.optional(),
  /** With `identity: sidecar`: the socket of the sidecar, a path on the node itself. */
  sidecar: z.strictObject({ socket: nodePath }).optional(),
});

/** What a node and `defaults` may both say. */
const shared = {
  region: text,
  environment: z.enum(['production', 'staging', 'simulated']),
  lines: z.array(lineName),
  pool: name,
  roles: z.array(nodeRole),
  keys: z.enum(['allowed', 'forbidden']),
  canary: z.enum(['allowed', 'forbidden']).optional(),
  image: text,
  /** Default `/etc/reseal-image-id`. */
  imageFile: nodePath.optional(),
  profileFolders: z.array(z.enum(['xcode16', 'legacy'])).min(1, { error: 'at least one of xcode16, legacy' }),
  mount: nodePath,
  state: nodePath,
  hardware: text,
  reach,
};

/** For what neither a node nor `defaults` says. `image`, `region`, `lines` and the rest have no sensible default. */
const FALLBACK = {
  environment: 'production',
  pool: 'main',
  roles: ['compile'],
  keys: 'forbidden',
  profileFolders: ['xcode16', 'legacy'],
  mount: '/usr/local/var/reseal/mount',
  state: '/usr/local/var/reseal/state',
  hardware: 'mac-mini',
  reach: { kind: 'agent' } satisfies Reach,
} as const;

const NEEDED = ['region', 'image', 'lines'] as const;

const sshPublicKey = z
  .string({ error: 'a public key of SSH' })
  .regex(/^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}(?: .*)?$/, { error: 'a public key of SSH, like "ssh-ed25519 AAAA…"' });

/** The file as written; its JSON Schema is for editors. */
export const TopologyFile = z.strictObject({
  schemaVersion,
  installation: name,
  lines: z.record(name, line),
  defaults: z.strictObject(shared).partial().default({}),
  nodes: z
    .array(
      z.strictObject({
        name: nodeName,
        ...z.strictObject(shared).partial().shape,
        deliveryKey: ageRecipient.optional(),
        nodeKey: nodeKeys.optional(),
        seats: z.int({ error: 'a number of seats, 1 to 64' }).min(1).max(64).optional(),
      }),
    )
    .min(1, { error: 'at least one node' }),
  pipelines: z
    .array(
      z.strictObject({
        name,
        bundles: z.array(text),
        /** Public keys that its handoffs are signed with, lines as in `id_ed25519.pub`. */
        keys: z.array(sshPublicKey).default([]),
      }),
    )
    .default([]),
});

/** `topology.yaml` with each node's defaults filled in. */
export const TopologySchema = TopologyFile.transform((file, context): Topology => {
  const nodes = file.nodes.map((own, index): NodeDeclaration => {
    const whole = { ...FALLBACK, ...file.defaults, ...own };
    for (const field of NEEDED) {
      if (whole[field] === undefined) {
        context.addIssue({ code: 'custom', path: ['nodes', index, field], input: undefined, message: `${field}, here or under defaults` });
      }
    }
    const roles: readonly string[] = whole.roles ?? [];
    if (whole.seats !== undefined && !roles.includes('signer')) {
      const message = 'no seats, or the role signer: jobs take seats only where they sign';
      context.addIssue({ code: 'custom', path: ['nodes', index, 'seats'], input: whole.seats, message });
    }
    const { nodeKey, ...declared } = whole;
    return { ...declared, ...(nodeKey === undefined ? {} : { nodeKeys: nodeKey }) } as NodeDeclaration;
  });
  return {
    schemaVersion: file.schemaVersion,
    installation: file.installation,
    lines: file.lines as Topology['lines'],
    nodes,
    pipelines: file.pipelines,
  };
});
