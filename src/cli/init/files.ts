import type { InitialMatch } from './match.js';
import type { InitialStore } from './store.js';
import type { InitialTeam } from './team.js';

/** The files of a first configuration by their paths in its folder, worded for who reads them for the first time. */
export function initialFiles(team: InitialTeam, match: InitialMatch | null, store: InitialStore): Readonly<Record<string, string>> {
  return {
    'topology.yaml': topology(team, match),
    'policy.yaml': policy(team),
    'roster.yaml': roster(team),
    'reseal.yaml': reseal(team, match, store),
    '.gitignore': gitignore(team, store),
  };
}

/** Any text as YAML: JSON is. */
const text = (value: string): string => JSON.stringify(value);

const topology = (
  { installation, line, node, owner }: InitialTeam,
  match: InitialMatch | null,
): string => `# What there is: lines of signing assets, and the Macs that follow them.
# All fields: docs/operating.md; \`reseal topology check\` says what it thinks of this one.
schemaVersion: 1
# Part of everything that people will sign. Give it once, and never again to another mesh.
installation: ${installation}
lines:
  ${line}:
    # Who holds keys: signers | per-node | shared | sidecar. \`reseal advise\` says which one suits your team.
    identity: signers
    # How profiles get to nodes: copy | mount (a volume that one node publishes).
    distribution: copy
    profilesOn: [signer, compile]
    # Names of reseal.yaml.
    store: main
    sources: [${match === null ? 'drop' : 'drop, match'}]
    # Who brings the successors of what expires: a person of roster.yaml.
    successorOwner: ${owner}
defaults:
  lines: [${line}]
nodes:
${node.kind === 'simulated' ? simulatedNode(node) : declaredNode(node)}`;

const simulatedNode = ({
  name,
  region,
  image,
}: InitialTeam['node']): string => `  # A folder on this machine that stands in for a Mac, to rehearse on. When your first Mac is there, put it in its place, with
  # environment: production and reach: { kind: agent }, or { kind: ssh, host: HOST, user: USER }.
  - name: ${name}
    environment: simulated
    region: ${text(region)}
    # What the golden image calls itself.
    image: ${text(image)}
    # One node that builds and signs is where most begin; the check warns of it, for builds then reach the keys.
    roles: [signer, compile]
    keys: allowed
    reach: { kind: local, home: ./nodes/${name} }
`;

const declaredNode = ({ name, region, image }: InitialTeam['node']): string => `  - name: ${name}
    environment: production
    region: ${text(region)}
    # What the golden image calls itself: the content of /etc/reseal-image-id on the node.
    image: ${text(image)}
    # One node that builds and signs is where most begin; the check warns of it, for builds then reach the keys.
    roles: [signer, compile]
    keys: allowed
    # By an agent on the Mac; or { kind: ssh, host: HOST, user: USER }.
    reach: { kind: agent }
`;

const policy = ({
  ticket,
}: InitialTeam): string => `# How rotations go: what is not said here has the default that docs/schemas/policy.schema.json tells.
schemaVersion: 1
scan:
  # The standing change under which the daily scan starts rotations, in your own numbering.
  ticket: ${ticket}
# Profiles are named by UUID, never by name. warn: builds that name them are let be, and told.
specifiers: uuid-only
gate:
  # Two people say yes before a rotation goes beyond its canary; fewer are refused where a production node is declared.
  approvals: 2
`;

const roster = ({ owner, approvers }: InitialTeam): string => `# Who may do what. Whoever asks for a rotation does not approve it.
schemaVersion: 1
persons:
  - { id: ${owner}, name: ${owner}, roles: [requesters] }
${approvers.map((id) => `  - { id: ${id}, name: ${id}, roles: [approvers, incident] }\n`).join('')}roles:
  requesters: [import, freeze, start, cancel, pause, resume, retry, schedule]
  approvers: [approve, reject, withdraw, exclude]
  incident: [start-emergency, rollback, retry, answer, exclude, pause, resume, cancel, close, release-seat, purge, restore, schedule]
`;

const reseal = (
  { roots }: InitialTeam,
  match: InitialMatch | null,
  store: InitialStore,
): string => `# Where everything is. Relative paths start at this folder.
schemaVersion: 1
# Manifests and the bytes of profiles.${store.kind === 'beside' ? ' For several machines: url: ssh://git@HOST/signing.git' : ''}
stores:
  main: ${declaredStore(store)}
# Put the successors of what expires into this folder.
sources:
  drop: { kind: drop, path: ./drop }
${match === null ? '' : matchSource(match)}${
  roots.length === 0
    ? ''
    : `# Believed beside Apple's own, for as long as every node is simulated.
trust:
  extraRoots: [${roots.map(({ name }) => text(`./roots/${name}`)).join(', ')}]
`
}`;

function declaredStore(store: InitialStore): string {
  switch (store.kind) {
    case 'beside':
      return '{ kind: git, url: ./store.git }';
    case 'git':
      return `{ kind: git, url: ${text(store.url)} }`;
    case 'bucket': {
      const { bucket, prefix, region, endpoint } = store;
      const folders = prefix === '' ? '' : `prefix: ${text(prefix)}, `;
      const at = endpoint === null ? '' : `, endpoint: ${text(endpoint)}`;
      return `{ kind: bucket, bucket: ${text(bucket)}, ${folders}region: ${text(region)}${at} }`;
    }
  }
}

const matchSource = ({
  url,
  branch,
}: InitialMatch): string => `  # Your fastlane match repository: it is read only. writeBack: true puts successors from elsewhere into it (docs/sources.md).
  match: { kind: match, url: ${text(url)}, branch: ${text(branch)}, passphrase: { environment: MATCH_PASSWORD } }
`;

/** The configuration belongs under version control; what it works on does not. */
const gitignore = ({ node }: InitialTeam, store: InitialStore): string =>
  `${store.kind === 'beside' ? '/store.git/\n' : ''}/drop/\n${node.kind === 'simulated' ? '/nodes/\n' : ''}`;
