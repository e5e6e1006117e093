import type { ManifestEntry } from '../../../src/domain/manifest.js';
import { entryKey } from '../../../src/domain/manifest-rules.js';
import type { Wanted } from '../contract.js';
import type { AppStoreConnectClient } from './client.js';
import { certificatesFor, creationDocument, embeddedIn, nameOf, patternOf, profileTypeOf, type ProfileRequest } from './request.js';
import {
  BundleIdsPage,
  CertificatesPage,
  DevicesPage,
  OneProfile,
  ProfilesPage,
  type WireBundleId,
  type WireCertificate,
  type WireDevice,
  type WireProfile,
} from './wire.js';

/** How long one look may spend on making profiles, in milliseconds; the next look goes on. An activity may take 2 minutes. */
const BUDGET = 45_000;
/** More names than that are not tried: they would be taken by something that goes wrong every time. */
const MOST_TURNS = 9;
const SIGNED_FOR_DEVICES = ['development', 'ad-hoc'];

/** Makes successors at App Store Connect, each of what its predecessor is made of. It never deletes, not even what it has made itself. */
export class ProfileSupply {
  constructor(
    private readonly source: string,
    private readonly client: AppStoreConnectClient,
    private readonly clock: () => number,
  ) {}

  /** @returns a sentence for each that was not made. @throws ResealError SOURCE_REFUSED, SOURCE_UNREACHABLE */
  async supply(wanted: readonly Wanted[]): Promise<readonly string[]> {
    const certificates = await this.certificates();
    const until = this.clock() + BUDGET;
    const reasons: string[] = [];
    for (const [index, one] of wanted.entries()) {
      if (this.clock() > until) return [...reasons, `${wanted.length - index} more are made at the next look at source ${this.source}`];
      const reason = await this.make(one, certificates);
      if (reason !== null) reasons.push(`${this.source} has made none for ${entryKey(one.entry)}: ${reason}`);
    }
    return reasons;
  }

  /** @returns why not; null where it is made, or was */
  private async make({ entry, outlive }: Wanted, certificates: readonly WireCertificate[]): Promise<string | null> {
    if (entry.holder !== undefined || entry.variant !== undefined)
      return 'it has a holder or a variant, which App Store Connect knows nothing of';
    const bundle = await this.bundleId(entry);
    if (bundle === null) return `App Store Connect has no App ID ${patternOf(entry)}`;
    const taken = await this.profilesOf(bundle);
    const predecessor = taken.find(({ attributes }) => attributes.uuid?.toLowerCase() === entry.profile.uuid) ?? null;
    const made = await this.requestFor({ entry, outlive }, bundle, predecessor, certificates);
    if (typeof made === 'string') return made;
    return this.underFreeName({ entry, outlive }, bundle, made, taken);
  }

  /** What the successor is made of: certificates, devices and App ID of the predecessor. A sentence where that cannot be told. */
  private async requestFor(
    { entry, outlive }: Wanted,
    bundle: WireBundleId,
    predecessor: WireProfile | null,
    all: readonly WireCertificate[],
  ): Promise<ProfileRequest | string> {
    const profileType = profileTypeOf(entry, predecessor);
    if (profileType === null) return `${entry.profile.uuid} is not at App Store Connect any more, and which type it had is not known`;
    const needsDevices = SIGNED_FOR_DEVICES.includes(entry.method);
    if (needsDevices && predecessor === null)
      return `${entry.profile.uuid} is not at App Store Connect any more, and its devices are not known`;
    const related = predecessor === null ? [] : await this.certificatesOf(predecessor);
    const before = related.length > 0 ? related : embeddedIn(entry, all);
    const certificates = certificatesFor(before, all, outlive);
    if (certificates.length === 0)
      return `no certificate of its kind and name lives beyond ${new Date(outlive).toISOString()}: make one in the developer portal, and bring its identity to the signers (reseal certificate import)`;
    const devices = predecessor === null || !needsDevices ? [] : await this.devicesOf(predecessor);
    return { profileType, bundleId: bundle.id, certificates: idsOf(certificates), devices: idsOf(devices) };
  }

  private async underFreeName(
    { entry, outlive }: Wanted,
    bundle: WireBundleId,
    request: ProfileRequest,
    before: readonly WireProfile[],
  ): Promise<string | null> {
    let taken = before;
    for (let turn = 1; turn <= MOST_TURNS;) {
      const name = nameOf(entry, request, turn);
      const there = taken.find(({ attributes }) => attributes.name === name);
      if (there !== undefined && this.isUsable(there)) return lifeReason(there, outlive);
      if (there !== undefined) {
        turn += 1;
        continue;
      }
      const created = await this.client.create(`make the profile "${name}"`, '/v1/profiles', creationDocument(name, request), OneProfile);
      if (created.outcome === 'created') return lifeReason(created.value.data, outlive);
      // Somebody else's worker was faster, or the answer was lost: the name tells.
      taken = await this.profilesOf(bundle);
      if (taken.some(({ attributes }) => attributes.name === name)) continue;
      if (created.outcome === 'unclear') throw created.error;
      return created.error.message;
    }
    return `the names "${nameOf(entry, request, 1)}" to "… ${MOST_TURNS}" are all taken by profiles that are INVALID or have expired; delete those in the developer portal`;
  }

  private isUsable({ attributes }: WireProfile): boolean {
    return attributes.profileState !== 'INVALID' && Date.parse(attributes.expirationDate ?? '') > this.clock();
  }

  private async bundleId(entry: ManifestEntry): Promise<WireBundleId | null> {
    const identifier = patternOf(entry);
    // The filter also finds those that only begin so.
    const found = await this.client.all('find an App ID', '/v1/bundleIds', { 'filter[identifier]': identifier }, BundleIdsPage);
    const exact = found.filter(({ attributes }) => attributes.identifier === identifier);
    const prefix = entry.profile.appId.slice(0, entry.profile.appId.indexOf('.'));
    return exact.find(({ attributes }) => attributes.seedId === prefix) ?? exact[0] ?? null;
  }

  /** Of an App ID, the expired ones too. */
  private profilesOf(bundle: WireBundleId): Promise<readonly WireProfile[]> {
    const fields = { 'fields[profiles]': 'name,profileType,profileState,uuid,expirationDate' };
    return this.client.all(
      'list the profiles of an App ID',
      `/v1/bundleIds/${encodeURIComponent(bundle.id)}/profiles`,
      fields,
      ProfilesPage,
    );
  }

  private certificates(): Promise<readonly WireCertificate[]> {
    return this.client.all('list the certificates', '/v1/certificates', {}, CertificatesPage);
  }

  private certificatesOf(profile: WireProfile): Promise<readonly WireCertificate[]> {
    return this.client.all(
      'list the certificates of a profile',
      `/v1/profiles/${encodeURIComponent(profile.id)}/certificates`,
      {},
      CertificatesPage,
    );
  }

  /** Those that may still be in a profile: a disabled one is refused. */
  private async devicesOf(profile: WireProfile): Promise<readonly WireDevice[]> {
    const path = `/v1/profiles/${encodeURIComponent(profile.id)}/devices`;
    const devices = await this.client.all('list the devices of a profile', path, {}, DevicesPage);
    return devices.filter(({ attributes }) => attributes.status !== 'DISABLED');
  }
}

const idsOf = (items: readonly { readonly id: string }[]): readonly string[] => items.map((one) => one.id);

function lifeReason({ attributes }: WireProfile, outlive: number): string | null {
  if (Date.parse(attributes.expirationDate ?? '') > outlive) return null;
  return `"${attributes.name}" expires ${attributes.expirationDate ?? 'at a time that is not known'}, too soon: Apple gives a profile no longer life than that`;
}
