import type { Target } from './target.js';
import { configuration, otherYaml } from './targets/configuration.js';
import { pkcs12 } from './targets/identities.js';
import { manifest } from './targets/manifests.js';
import { cmsSignature, profile, profileContents, propertyList } from './targets/profiles.js';
import { handoff, nodeReport, sshsig, sshsigParts, statement } from './targets/statements.js';
import { buildLog, machO, projectFile, toolOutput } from './targets/tools.js';
import { journal, localFiles, sshAnswer } from './targets/wires.js';

/** Every door that is fuzzed, the dear ones first. */
export const TARGETS: readonly Target[] = [
  ...[profile, profileContents, configuration, otherYaml, cmsSignature, manifest, pkcs12, propertyList, toolOutput],
  ...[statement, sshsigParts, handoff, nodeReport, sshsig, projectFile, buildLog, machO, localFiles, journal, sshAnswer],
];
