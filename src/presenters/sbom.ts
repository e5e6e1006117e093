import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Sha256 } from '../domain/brands.js';
import type { Manifest, ManifestEntry } from '../domain/manifest.js';
import { publicCertificate, publicProfile, publicSerial } from '../domain/public-form.js';

export interface SbomView {
  readonly schemaVersion: 1;
  /** CycloneDX 1.6. */
  readonly bom: Readonly<Record<string, unknown>>;
}

/**
 * What may be published of what apps are signed with (S8): a component per target that the manifest signs, with the manifest that it was signed under, and
 * profile and certificate by alias. No names of profiles, certificates, people or teams, no full serial number or fingerprint. The same manifest gives the same
 * document.
 */
export function sbomView(manifest: Manifest, sha256: Sha256, entries: readonly ManifestEntry[], version: string): SbomView {
  const bom = new Models.Bom({ metadata: new Models.Metadata() });
  bom.metadata.tools.components.add(new Models.Component(Enums.ComponentType.Application, 'reseal', { version }));
  addAll(bom.metadata.properties, [
    ['reseal:manifest:sha256', sha256],
    ['reseal:manifest:line', manifest.line],
  ]);
  for (const entry of entries) bom.components.add(componentOf(manifest, sha256, entry));
  const text = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)).serialize(bom, { sortLists: true });
  return { schemaVersion: 1, bom: JSON.parse(text) as Readonly<Record<string, unknown>> };
}

function componentOf(manifest: Manifest, sha256: Sha256, entry: ManifestEntry): Models.Component {
  const { line, certificates } = manifest;
  const { bundleId, method, variant, holder, identity, profile } = entry;
  const certificate = certificates[identity];
  const bomRef = [line, bundleId, method, variant, holder].filter((part) => part !== undefined).join('/');
  const component = new Models.Component(Enums.ComponentType.Application, bundleId, { bomRef });
  addAll(component.properties, [
    ['reseal:manifest:sha256', sha256],
    ['reseal:signing:role', entry.role],
    ['reseal:signing:method', method],
    ...(variant === undefined ? [] : [['reseal:signing:variant', variant] as const]),
    ['reseal:profile:alias', publicProfile(line, profile.uuid)],
    ['reseal:profile:expires', profile.expiresAt],
    ['reseal:certificate:alias', publicCertificate(line, identity)],
    ...(certificate === undefined
      ? []
      : ([
          ['reseal:certificate:serial', publicSerial(certificate.serial)],
          ['reseal:certificate:expires', certificate.expiresAt],
        ] as const)),
  ]);
  return component;
}

function addAll(properties: Models.PropertyRepository, all: readonly (readonly [name: string, value: string])[]): void {
  for (const [name, value] of all) properties.add(new Models.Property(name, value));
}
