import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One target of a project that a test writes; settings are those of its only configuration, Release, unless `configurations` says more. */
export interface WrittenTarget {
  readonly name: string;
  /** After `com.apple.product-type.` */
  readonly type: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Names of targets whose products a copy phase puts into this one's. */
  readonly carries?: readonly string[];
  readonly xcconfig?: string;
}

export interface WrittenProject {
  readonly name?: string;
  readonly targets: readonly WrittenTarget[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly xcconfig?: string;
  readonly configurations?: readonly string[];
  /** Further files, by their path beside the project. */
  readonly files?: Readonly<Record<string, string>>;
}

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
const list = (items: readonly string[]): string => `(${items.map((item) => `${item}, `).join('')})`;

/** Writes a project as Xcode would, into a folder, which it returns. */
export function writeProject(project: WrittenProject, folder: string): string {
  const configurations = project.configurations ?? ['Release'];
  const { name = 'Courier', targets } = project;
  const objects: string[] = [];
  const add = (id: string, fields: Readonly<Record<string, string>>): string => {
    const text = Object.entries(fields).map(([key, value]) => `\t\t\t${/^\w+$/.test(key) ? key : quote(key)} = ${value};`);
    objects.push(`\t\t${id} /* ${fields['isa'] ?? ''} */ = {\n${text.join('\n')}\n\t\t};`);
    return id;
  };
  const files = new Map<string, string>();
  const file = (path: string): string => {
    const id = files.get(path) ?? `FILE${files.size}`;
    if (!files.has(path)) add(id, { isa: 'PBXFileReference', path: quote(path), sourceTree: '"<group>"' });
    files.set(path, id);
    return id;
  };
  const settingsOf = (settings: Readonly<Record<string, string>>): string =>
    `{\n${Object.entries(settings)
      .map(([key, value]) => `\t\t\t\t${/^\w+$/.test(key) ? key : quote(key)} = ${quote(value)};`)
      .join('\n')}\n\t\t\t}`;
  const configurationList = (id: string, settings: Readonly<Record<string, string>>, xcconfig: string | undefined): string =>
    add(`${id}LIST`, {
      isa: 'XCConfigurationList',
      buildConfigurations: list(
        configurations.map((configuration, index) =>
          add(`${id}CONF${index}`, {
            isa: 'XCBuildConfiguration',
            ...(xcconfig === undefined ? {} : { baseConfigurationReference: file(xcconfig) }),
            buildSettings: settingsOf(settings),
            name: quote(configuration),
          }),
        ),
      ),
      defaultConfigurationName: quote(configurations[0] ?? ''),
    });
  const idOf = (target: string): string => `TARGET${targets.findIndex((one) => one.name === target)}`;
  for (const { name: target, type, settings = {}, carries = [], xcconfig } of targets) {
    const id = idOf(target);
    const embedded = carries.map((carried) => add(`${id}IN${idOf(carried)}`, { isa: 'PBXBuildFile', fileRef: `${idOf(carried)}PRODUCT` }));
    add(`${id}COPY`, { isa: 'PBXCopyFilesBuildPhase', dstSubfolderSpec: '13', files: list(embedded) });
    add(id, {
      isa: 'PBXNativeTarget',
      buildConfigurationList: configurationList(id, settings, xcconfig),
      buildPhases: list([`${id}COPY`]),
      name: quote(target),
      productReference: `${id}PRODUCT`,
      productType: quote(`com.apple.product-type.${type}`),
    });
  }
  add('PROJECT', {
    isa: 'PBXProject',
    buildConfigurationList: configurationList('PROJECT', { SDKROOT: 'iphoneos', ...project.settings }, project.xcconfig),
    targets: list(targets.map((target) => idOf(target.name))),
  });
  add('MAIN', { isa: 'PBXGroup', children: list([...files.values()]), sourceTree: '"<group>"' });
  const text = `// !$*UTF8*$!\n{\n\tarchiveVersion = 1;\n\tobjects = {\n${objects.join('\n')}\n\t};\n\trootObject = PROJECT;\n}\n`;
  write(join(folder, `${name}.xcodeproj`, 'project.pbxproj'), text);
  for (const [path, content] of Object.entries(project.files ?? {})) write(join(folder, path), content);
  return folder;
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
