import type { LineName, NodeName } from '../../../src/domain/brands.js';
import type { Manifest } from '../../../src/domain/manifest.js';
import { canonicalJson } from '../../../src/manifest/canonical-json.js';
import { parseManifest } from '../../../src/manifest/parse.js';
import { certificateNamed, profileNamed, sha1Named, TEAM } from '../../domain/manifest-arbitrary.js';
import { bytesOf, tokens, type Target } from '../target.js';

const IDENTITY = sha1Named('one');
const MANIFEST: Manifest = {
  schemaVersion: 1,
  line: 'ios-main' as LineName,
  certificates: { [IDENTITY]: certificateNamed('one') },
  profiles: [
    {
      ...{ app: 'courier', role: 'host', team: TEAM, bundleId: 'com.acme.courier', method: 'app-store', targets: ['Courier'] },
      ...{ identity: IDENTITY, profile: profileNamed('a', 'com.acme.courier', IDENTITY) },
    },
    {
      ...{ app: 'courier', role: 'host', team: TEAM, bundleId: 'com.acme.courier', method: 'ad-hoc', variant: 'qa', holder: 'ams-1' as NodeName },
      ...{ targets: ['Courier', 'Courier Tests'], identity: IDENTITY, profile: profileNamed('b', 'com.acme.courier', IDENTITY) },
    },
  ],
}; // prettier-ignore

export const manifest: Target = {
  name: 'manifest',
  seeds: [bytesOf(canonicalJson(MANIFEST)), bytesOf(canonicalJson({ ...MANIFEST, certificates: {}, profiles: [] }))],
  tokens: tokens(
    ...['{', '}', '[', ']', '{"a":', '[[', ',', '"', '"__proto__": {},', '{},', '"profiles": [', '1e999', '-0', 'null', '\\ud800', '\\u0000', '\n', '\ufeff', '/'],
    ...[Uint8Array.of(0xff), Uint8Array.of(0xed, 0xa0, 0x80)],
  ),
  run: (input) => {
    parseManifest(input);
  },
}; // prettier-ignore
