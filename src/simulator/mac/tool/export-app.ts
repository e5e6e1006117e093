import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { build, type PlistValue } from 'plist';
import { openCode } from './bundle.js';
import type { Answer, Call } from './call.js';
import { sign } from './codesign-sign.js';
import type { Chosen } from './identity-choice.js';
import type { InstalledProfile } from './installed-profiles.js';
import { zipFolder } from './zip.js';

/** A bundle of the app with what it is to be signed with. */
export interface SigningPlan {
  readonly path: string;
  readonly bundleId: string;
  readonly profile: InstalledProfile;
  readonly chosen: Chosen;
}

export type Exported =
  /** `warnings`: what `codesign` has said although it did not refuse. */
  | { readonly name: string; readonly warnings: string }
  /** `codesign` has refused, in these words. */
  | { readonly refusal: string };

/**
 * Signs a copy of the app, each bundle with its profile, and packs it as `<name>.ipa` into a folder.
 *
 * @param plans in the order in which they are signed
 */
export function exportApp(call: Call, app: string, plans: readonly SigningPlan[], folder: string): Exported {
  const work = mkdtempSync(join(tmpdir(), 'reseal-sim-export-'));
  try {
    const copy = join(work, 'Payload', basename(app));
    cpSync(app, copy, { recursive: true, verbatimSymlinks: true });
    let warnings = '';
    for (const plan of plans) {
      const { stderr = '', code } = signBundle(call, plan, join(copy, relative(app, plan.path)), work);
      if (code !== 0) return { refusal: stderr.trimEnd() };
      warnings += stderr;
    }
    const name = basename(app, '.app');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.ipa`), zipFolder(work, 'Payload'));
    return { name, warnings };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function signBundle(call: Call, { bundleId, profile, chosen }: SigningPlan, path: string, work: string): Answer {
  writeFileSync(join(path, 'embedded.mobileprovision'), profile.bytes);
  const entitlements = join(work, 'entitlements.plist');
  writeFileSync(entitlements, build(entitlementsOf(profile, bundleId)));
  const code = openCode(path);
  if (typeof code === 'string') return { stderr: `${path}: bundle format unrecognized, invalid, or unsuitable\n`, code: 1 };
  const options = {
    operation: 'sign',
    force: true,
    deep: false,
    verbosity: 0,
    keychain: null,
    identifier: null,
    flags: null,
    paths: [],
  } as const;
  return sign(call, { ...options, identity: chosen.identity.sha1, entitlements }, code);
}

/** Those of the profile, with the app's own id where that of the profile is a pattern. */
function entitlementsOf({ entitlements, prefix }: SigningPlan['profile'], bundleId: string): Record<string, PlistValue> {
  return { ...entitlements, 'application-identifier': `${prefix}.${bundleId}` };
}
