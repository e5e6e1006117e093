import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ResealError } from '../domain/errors.js';
import type { ProjectGap, ProjectSigning, SigningTarget, Stated } from '../domain/project-signing.js';
import { BuildSettings, type Assignment } from './build-settings.js';
import { parseKey } from './conditions.js';
import { carriersOf, outermost } from './embedding.js';
import { FilePlaces } from './file-places.js';
import type { ProjectObject } from './objects.js';
import { ProjectObjects } from './objects.js';
import type { OpenStep } from './open-step.js';
import { deviceSdk, roleOf } from './product-types.js';
import { ProjectFolder } from './project-folder.js';
import { readConfigurationFile, type ReadConfiguration } from './xcconfig.js';

/** The largest project file that is read; those of apps with thousands of files have 10 MB. */
const MAX_BYTES = 67_108_864;
const SUFFIX = '.xcodeproj';

/**
 * Reads what an Xcode project says of signing, every target in every configuration, without Xcode.
 *
 * @param path of an `.xcodeproj`, or of a folder that holds one
 * @throws ResealError FILE_UNREADABLE, PROJECT_INVALID with file and line
 */
export async function readXcodeProject(path: string): Promise<ProjectSigning> {
  const project = await projectAt(path);
  const folder = await ProjectFolder.of(dirname(project));
  const file = await folder.read(join(basename(project), 'project.pbxproj'), MAX_BYTES);
  const inside = join(project, 'project.pbxproj');
  if (file.kind === 'missing')
    throw new ResealError('FILE_UNREADABLE', `${inside} is not there. Name an Xcode project, a folder that ends in ${SUFFIX}.`);
  if (file.kind === 'outside')
    throw new ResealError('FILE_UNREADABLE', `${inside} leads outside ${file.root}. Name the project where it really is.`);
  if (file.kind === 'refused')
    throw new ResealError('FILE_UNREADABLE', `${inside} cannot be read: it is ${file.why}. Name an Xcode project.`);
  const objects = ProjectObjects.parse(file.text, folder.nameOf(file.path));
  return new ProjectReading(objects, folder, basename(project)).read();
}

async function projectAt(path: string): Promise<string> {
  const there = resolve(path);
  const about = await stat(there).catch(() => null);
  if (about?.isDirectory() !== true) {
    if (about !== null && basename(there) === 'project.pbxproj') return dirname(there);
    throw new ResealError('FILE_UNREADABLE', `${there} is no Xcode project. Name one, as App${SUFFIX}, or the folder that it is in.`);
  }
  if (there.endsWith(SUFFIX)) return there;
  const projects = (await readdir(there)).filter((name) => name.endsWith(SUFFIX)).sort();
  const [only, ...more] = projects;
  if (only === undefined)
    throw new ResealError('FILE_UNREADABLE', `${there} holds no Xcode project. Name one, as App${SUFFIX}, or the folder that it is in.`);
  if (more.length > 0)
    throw new ResealError('FILE_UNREADABLE', `${there} holds ${projects.length} Xcode projects: ${projects.join(', ')}. Name one of them.`);
  return join(there, only);
}

/** The configurations of a project or a target, by name. */
interface Configurations {
  readonly byName: ReadonlyMap<string, ProjectObject>;
  readonly byDefault: string | null;
}

class ProjectReading {
  readonly #gaps = new Map<string, { readonly gap: ProjectGap; readonly configurations: Set<string> }>();
  readonly #places: FilePlaces;
  readonly #files = new Map<string, ReadConfiguration>();

  constructor(
    private readonly objects: ProjectObjects,
    private readonly folder: ProjectFolder,
    private readonly name: string,
  ) {
    this.#places = new FilePlaces(objects, join(folder.folder, objects.project.text('projectDirPath') ?? ''));
  }

  async read(): Promise<ProjectSigning> {
    const { project } = this.objects;
    const own = configurationsOf(project);
    const targets = project.objects('targets');
    const carriers = carriersOf(this.objects, targets.filter(isSigned));
    const signed: SigningTarget[] = [];
    const leftOut = new Map<string, string>();
    for (const target of targets) {
      for (const configuration of own.byName.keys()) {
        const read = await this.#target(target, configuration, own, outermost(target, carriers));
        if (typeof read === 'string') leftOut.set(nameOf(target), read);
        else signed.push(read);
      }
    }
    const twice = signed.filter((one) => leftOut.has(one.name)).map(({ name }) => name);
    for (const name of twice) leftOut.delete(name);
    return {
      name: this.name,
      configurations: [...own.byName.keys()],
      defaultConfiguration: own.byDefault,
      targets: signed,
      leftOut: [...leftOut].map(([name, why]) => ({ name, why })),
      gaps: [...this.#gaps.values()].map(({ gap, configurations }) => ({ ...gap, configurations: [...configurations] })),
    };
  }

  /** A target as it is signed, or why no profile signs it. */
  async #target(
    target: ProjectObject,
    configuration: string,
    project: Configurations,
    outer: readonly ProjectObject[],
  ): Promise<SigningTarget | string> {
    const productType = target.text('productType') ?? '';
    if (roleOf(productType, '') === null)
      return productType === '' ? `${target.isa}: it makes no product` : `a product of type ${productType}`;
    const assignments = await this.#assignments(target, configuration, project);
    const about = (sdk: string): BuildSettings => new BuildSettings(assignments, { sdk, arch: 'arm64', config: configuration });
    const value = (settings: BuildSettings, key: string): string => settings.resolve(key).stated?.value ?? '';
    const first = about('');
    const sdk = deviceSdk(value(first, 'SDKROOT'), value(first, 'SUPPORTED_PLATFORMS'));
    const role = roleOf(productType, sdk ?? '');
    if (sdk === null || role === null) return `built for no device: SDKROOT is ${value(first, 'SDKROOT') || 'not set'}`;
    const settings = about(sdk);
    const gaps: ProjectGap[] = [];
    const at = { file: this.objects.file, line: target.line };
    const stated = (key: string): Stated | null => {
      const { stated: found, unset, circular, endless } = settings.resolve(key);
      if (found === null) return null;
      const gap = (what: string, next: string): number => gaps.push({ file: found.file, line: found.line, found: `${key} ${what}`, next });
      if (endless) gap('refers to more settings than can be followed', 'write its value out');
      else if (circular !== null) gap(`refers to itself: ${circular}`, 'break the circle');
      else if (unset.length > 0)
        gap(`refers to ${unset.join(', ')}, which nothing sets`, 'set it in the project, or in an xcconfig file beneath it');
      return found.value === '' ? null : found;
    };
    return {
      ...at,
      name: nameOf(target),
      role,
      configuration,
      hosts: outer.filter((one) => one !== target || role !== 'extension').map(nameOf),
      bundleId: stated('PRODUCT_BUNDLE_IDENTIFIER'),
      style: stated('CODE_SIGN_STYLE'),
      specifier: stated('PROVISIONING_PROFILE_SPECIFIER'),
      profile: stated('PROVISIONING_PROFILE'),
      team: stated('DEVELOPMENT_TEAM'),
      identity: stated('CODE_SIGN_IDENTITY'),
      gaps,
    };
  }

  /** From the lowest level to the highest: what Xcode itself sets, the project's xcconfig, the project, the target's xcconfig, the target. */
  async #assignments(target: ProjectObject, configuration: string, project: Configurations): Promise<Assignment[]> {
    const targets = configurationsOf(target);
    const ofProject = project.byName.get(configuration);
    // Where a target lacks a configuration, Xcode takes its default one.
    const ofTarget = targets.byName.get(configuration) ?? targets.byName.get(targets.byDefault ?? '');
    return [
      ...this.#byItself(target, configuration),
      ...(ofProject === undefined ? [] : [...(await this.#beneath(ofProject, configuration)), ...this.#settings(ofProject)]),
      ...(ofTarget === undefined ? [] : [...(await this.#beneath(ofTarget, configuration)), ...this.#settings(ofTarget)]),
    ];
  }

  #byItself(target: ProjectObject, configuration: string): Assignment[] {
    const project = this.name.slice(0, -SUFFIX.length);
    const name = nameOf(target);
    const attributes = this.objects.project.dictionary('attributes')?.entries.get('TargetAttributes');
    const own = attributes?.kind === 'dictionary' ? attributes.entries.get(target.id) : undefined;
    // Written by Xcode before it had settings for them; a setting comes before.
    const older = (attribute: string, key: string): Assignment[] => {
      const value = own?.kind === 'dictionary' ? own.entries.get(attribute) : undefined;
      return value?.kind === 'text' ? [{ key, conditions: [], value: value.text, file: this.objects.file, line: value.line }] : [];
    };
    const known = {
      TARGET_NAME: name,
      TARGETNAME: name,
      TARGET: name,
      PROJECT_NAME: project,
      PROJECT: project,
      CONFIGURATION: configuration,
      SRCROOT: this.folder.folder,
      SOURCE_ROOT: this.folder.folder,
      PROJECT_DIR: this.folder.folder,
      PRODUCT_MODULE_NAME: '$(PRODUCT_NAME:c99extidentifier)',
    };
    return [
      ...Object.entries(known).map(([key, value]) => ({ key, conditions: [], value, file: this.objects.file, line: target.line })),
      ...older('ProvisioningStyle', 'CODE_SIGN_STYLE'),
      ...older('DevelopmentTeam', 'DEVELOPMENT_TEAM'),
    ];
  }

  /** @param name of the configuration that is read */
  async #beneath(configuration: ProjectObject, name: string): Promise<readonly Assignment[]> {
    const at = { file: this.objects.file, line: configuration.line };
    const beneath = this.#places.beneath(configuration);
    if (beneath.kind === 'none') return [];
    if (beneath.kind === 'unknown') {
      this.#note(
        [{ ...at, found: 'an xcconfig file that the project has no place for', next: 'choose it anew for the configuration, in Xcode' }],
        name,
      );
      return [];
    }
    const { path } = beneath;
    const read = this.#files.get(path) ?? (await readConfigurationFile(this.folder, path, at));
    this.#files.set(path, read);
    this.#note(read.gaps, name);
    return read.assignments;
  }

  /** A file beneath several configurations is missing once. */
  #note(gaps: readonly ProjectGap[], configuration: string): void {
    for (const gap of gaps) {
      const key = `${gap.file}:${gap.line} ${gap.found}`;
      const known = this.#gaps.get(key) ?? { gap, configurations: new Set() };
      known.configurations.add(configuration);
      this.#gaps.set(key, known);
    }
  }

  /** Sorted by name with conditions, which puts conditional ones last, as in Xcode. Source: swift-build, BuildConfiguration. */
  #settings(configuration: ProjectObject): Assignment[] {
    const entries = [...(configuration.dictionary('buildSettings')?.entries ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.flatMap(([text, value]) => {
      const key = parseKey(text);
      return key === null ? [] : [{ ...key, value: textOf(value), file: this.objects.file, line: value.line }];
    });
  }
}

/** Whether a profile signs what a target makes, on some platform. */
const isSigned = (target: ProjectObject): boolean => roleOf(target.text('productType') ?? '', '') !== null;

const nameOf = (target: ProjectObject): string => target.text('name') ?? target.id;

function configurationsOf(object: ProjectObject): Configurations {
  const list = object.object('buildConfigurationList');
  const configurations = list?.objects('buildConfigurations') ?? [];
  return {
    byName: new Map(configurations.map((one) => [one.text('name') ?? one.id, one])),
    byDefault: list?.text('defaultConfigurationName') ?? null,
  };
}

const textOf = (value: OpenStep): string =>
  value.kind === 'text' ? value.text : value.kind === 'list' ? value.items.map(textOf).join(' ') : '';
