/**
 * Dependencies point one way: a folder may import those of its own rank and of the ranks below it in this list.
 * src/schema, src/manifest and src/configuration are free to all but workflows and src/domain.
 */
const ranks = [
  ['src/cli', 'src/console'],
  ['src/api'],
  ['src/presenters'],
  ['src/temporal', 'src/ledger', 'src/simulator'],
  ['workflows', 'activities'],
  [
    'src/mac',
    'src/artifact',
    'src/xcode-project',
    'src/profile',
    'src/identity',
    'src/node-shell',
    'src/sidecar',
    'src/statement',
    'src/secret',
  ],
  ['src/domain'],
];

const within = (folders) => `^(${folders.join('|')})/`;

const oneWay = ranks.slice(1).map((folders, index) => ({
  name: `one-way-${folders.map((folder) => folder.replace('src/', '')).join('-')}`,
  comment:
    'cli, console → api → presenters → temporal, ledger, simulator → workflows, activities → mac, artifact, xcode-project, profile, identity, node-shell, sidecar, statement, secret → domain',
  severity: 'error',
  from: { path: within(folders) },
  to: { path: within(ranks.slice(0, index + 1).flat()) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...oneWay,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      comment: 'src/domain holds types and functions only: no Node.js, no npm package, nothing of ours but itself',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: '^src/domain/' },
    },
    {
      name: 'workflows-are-deterministic',
      comment:
        'workflows import themselves, src/domain, @temporalio/workflow and @temporalio/common (search attribute keys and failures live there), and types of activities',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { pathNot: ['^workflows/', '^src/domain/', '^activities/', 'node_modules/@temporalio/(workflow|common)/'] },
    },
    {
      name: 'workflows-take-only-types-of-activities',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: ['^activities/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'free-folders-know-only-the-domain',
      comment: 'what everybody may import imports nothing that has a place in the order, but the domain',
      severity: 'error',
      from: { path: '^src/(schema|manifest|configuration)/' },
      to: { path: within(ranks.slice(0, -1).flat()) },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^(src|workflows|activities)/' },
      to: { path: '^(test|scripts|dist)/' },
    },
    {
      name: 'declared-packages-only',
      severity: 'error',
      from: { path: '^(src|workflows|activities)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
