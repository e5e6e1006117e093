import { namedIdentity, namedProfile, NO_REQUEST, type BuildRequest, type TargetSigning } from '../domain/triage/build-request.js';
import { readSmallFile } from './small-file.js';

const MOST_SETTINGS = 4 * 1_048_576;
const LINE = /^RESEAL_(PROFILE|IDENTITY|TEAM|STYLE)_(\w+)\s*=\s*(.*?)\s*$/;

/**
 * The `reseal.xcconfig` that `-xcconfig` names, target by target (`reseal manifest settings`); null where there is no such file. Settings of other
 * xcconfig files are the project's, and are not read here.
 * @throws ResealError FILE_UNREADABLE
 */
export async function readRenderedSettings(path: string, named: string): Promise<BuildRequest | null> {
  const bytes = await readSmallFile(path, named, MOST_SETTINGS);
  if (bytes === null) return null;
  const targets = new Map<string, Map<string, string>>();
  for (const line of bytes.toString('utf8').split(/\r?\n/)) {
    const [, key = '', name, value = ''] = LINE.exec(line) ?? [];
    if (name === undefined) continue;
    const known = targets.get(name) ?? new Map<string, string>();
    targets.set(name, known.set(key, value));
  }
  return { ...NO_REQUEST, targets: [...targets].map(([name, values]) => target(name, values)) };
}

const target = (name: string, values: ReadonlyMap<string, string>): TargetSigning => ({
  name,
  source: 'settings',
  profile: namedProfile(values.get('PROFILE')),
  identity: namedIdentity(values.get('IDENTITY')),
  style: values.get('STYLE') ?? null,
  team: values.get('TEAM') ?? null,
});
