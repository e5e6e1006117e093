import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { clonesFolder } from '../../activities/git/clone.js';
import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import { loadConfiguration } from '../configuration/load.js';
import type { OpenStore } from '../../activities/manifest-store/contract.js';
import type { LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { VerifiedProfiles } from '../profile/index.js';
import { trustedRoots } from '../profile/trusted-roots.js';
import { frozenText, warningsText } from '../presenters/frozen-text.js';
import { defineCommand, type Context } from './command.js';
import { homeFolder } from './home.js';
import { initialFiles } from './init/files.js';
import { inForce, withMatchProfiles, type InForce } from './init/match.js';
import { makeFolder } from './init/new-folder.js';
import { initialStore, storeInWords, type InitialStore } from './init/store.js';
import { teamOf, type InitialTeam } from './init/team.js';
import { PROJECT_OPTIONS, type ProjectFiles } from './manifest/apps.js';
import { keptImport } from '../domain/imports/kept.js';
import { freezeFolder, type FrozenFolder } from './manifest/freezing.js';

export const command = defineCommand({
  description: 'Begin: write a first configuration, make its store, and freeze the first manifest of your profiles',
  arguments: { dir: { kind: 'text', description: 'Folder that gets reseal/; by default this one' } },
  options: {
    profiles: { kind: 'text', description: 'Folder with the profiles in force, *.mobileprovision', value: 'FOLDER' },
    match: { kind: 'text', description: 'Instead: a fastlane match repository; its passphrase in MATCH_PASSWORD', value: 'URL' },
    matchBranch: { kind: 'text', description: 'Its branch; by default master', value: 'BRANCH' },
    ...PROJECT_OPTIONS,
    store: {
      kind: 'text',
      description: 'Where its store is: an address that git reaches, or s3://BUCKET/FOLDERS; by default a git repository in reseal/',
      value: 'URL',
    },
    storeRegion: { kind: 'text', description: "Of a bucket; by default AWS_REGION's", value: 'NAME' },
    storeEndpoint: { kind: 'text', description: "Of a bucket on a server that speaks S3; by default Amazon's own", value: 'URL' },
    line: { kind: 'text', description: 'Name of the line; by default ios-main', value: 'LINE' },
    installation: { kind: 'text', description: 'Name of this mesh, never given again; by default that of the folder', value: 'NAME' },
    node: { kind: 'text', description: 'Your first Mac; by default a simulated node, lab-1', value: 'NAME' },
    region: { kind: 'text', description: 'Its region', value: 'NAME' },
    image: { kind: 'text', description: 'Its golden image', value: 'ID' },
    owner: { kind: 'text', description: 'Who brings successors and starts rotations; by default your login name', value: 'PERSON' },
    approver: { kind: 'list', description: 'Who approves, two or more; by default approver-1 and approver-2', value: 'PERSON' },
    ticket: { kind: 'text', description: 'Standing change of the daily scan; by default CHG-1', value: 'TICKET' },
    trustRoot: { kind: 'list', description: "Root certificates beside Apple's, for simulated nodes", value: 'FILE' },
  },
  async handler(context, { dir }, { profiles, match, matchBranch, project, configuration, exportOptions, ...choice }) {
    const store = initialStore(choice, context);
    const present = inForce({ profiles, match, matchBranch, project }, context.cwd);
    const around = resolve(context.cwd, dir ?? '.');
    const folder = join(around, 'reseal');
    const team = await teamOf(choice, around, context);
    const files = { project, configuration, exportOptions };
    const made = await makeFolder(folder, (inside) => fill(inside, { context, team, present, store, files }));
    const view = {
      schemaVersion: 1,
      folder,
      line: team.line,
      node: team.node.name,
      store: storeInWords(store),
      sha256: made.frozen.sha256,
      sha1: made.frozen.sha1,
      profiles: made.profiles,
      head: true,
      signing: made.signing,
      warnings: made.warnings,
      next: nextSteps(team, context.cwd, folder),
    };
    context.output.show(view, () => [
      `Wrote ${folder}: topology.yaml, policy.yaml, roster.yaml, reseal.yaml, and the store ${view.store}.`,
      frozenText(view),
      ...warningsText(view, context.output),
      '',
      'Next:',
      ...view.next.map((step) => `  ${step}`),
    ]);
  },
});

interface Filling {
  readonly context: Context;
  readonly team: InitialTeam;
  readonly present: InForce;
  readonly store: InitialStore;
  readonly files: ProjectFiles;
}

/** Everything that a configuration folder begins with, the line's first manifest among it. */
async function fill(inside: string, { context, team, present, store: place, files }: Filling): Promise<FrozenFolder> {
  await mkdir(join(inside, 'drop'));
  if (team.node.kind === 'simulated') await mkdir(join(inside, 'nodes', team.node.name), { recursive: true });
  if (team.roots.length > 0) await mkdir(join(inside, 'roots'));
  for (const { name, pem } of team.roots) await writeFile(join(inside, 'roots', name), pem);
  for (const [path, content] of Object.entries(initialFiles(team, present.from === 'match' ? present.match : null, place)))
    await writeFile(join(inside, path), content);

  const configuration = loadConfiguration(inside);
  const home = homeFolder(context.home, context.env, context.cwd);
  const store = await openDeclaredStore(configuration.reseal, 'main', home);
  const freeze = (profiles: string): Promise<FrozenFolder> =>
    freezeFolder({
      configuration,
      store,
      line: team.line as LineName,
      folder: profiles,
      cwd: context.cwd,
      files,
      by: { by: team.owner, ticket: team.ticket },
      into: 'head',
      now: context.now(),
      // The roster is made in this moment: it has no key yet that could be asked for.
      vouch: async () => keptImport(team.owner),
    });
  try {
    if (place.kind !== 'beside') await refuseTaken(store, team.line as LineName, storeInWords(place));
    if (present.from === 'folder') return await freeze(present.folder);
    const around = {
      clones: clonesFolder(home),
      profiles: new VerifiedProfiles({ roots: trustedRoots(configuration) }),
      holders: [],
      environment: context.env,
    };
    const { done, passedOver } = await withMatchProfiles(configuration, around, freeze);
    return { ...done, warnings: [...done.warnings, ...passedOver] };
  } finally {
    await store.close();
  }
}

/** A store elsewhere may be another configuration's, or what an earlier attempt that was cut off has left. */
async function refuseTaken(store: OpenStore, line: LineName, place: string): Promise<void> {
  const head = (await store.isThere()) ? await store.head(line) : null;
  if (head === null) return;
  throw new ResealError(
    'REFUSED',
    `The store ${place} has a line ${line} already: ${head.digest} (seq ${head.seq}). Go on with the configuration that it belongs to; or, for a mesh of its own, name another place with --store, or another --line.`,
  );
}

function nextSteps({ line, node, approvers, owner }: InitialTeam, cwd: string, folder: string): readonly string[] {
  const config = relative(cwd, folder) === 'reseal' ? '' : ` --config ${asWord(folder)}`;
  return [
    `Read ${join(folder, 'topology.yaml')}${node.kind === 'simulated' ? ', and put your Macs in the place of the simulated node' : ''}.`,
    `Put the right people into ${join(folder, 'roster.yaml')}: ${owner} asks, ${approvers.join(' and ')} approve.`,
    `reseal${config} doctor`,
    `reseal${config} topology check`,
    `reseal${config} manifest show ${line}`,
    `reseal${config} up`,
  ];
}

/** A path as one word of a shell. */
const asWord = (path: string): string => (/^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
