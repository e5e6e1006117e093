import { createAppStoreConnectSource, type AppStoreConnectOptions } from '../../activities/profile-source/app-store-connect/source.js';
import type { ProfileSource } from '../../activities/profile-source/contract.js';
import type { Sha1, Sha256, TeamId, Uuid } from '../../src/domain/brands.js';
import type { ManifestEntry, Method } from '../../src/domain/manifest.js';
import { VerifiedProfiles } from '../../src/profile/index.js';
import { pinRoots } from '../../src/profile/trust.js';
import type { DistributionCertificate, ProfileRequest } from '../../src/simulator/apple-hierarchy.js';
import {
  DeveloperAccount,
  type AccountBundleId,
  type AccountCertificate,
  type AccountProfile,
} from '../../src/simulator/app-store-connect/account.js';
import { startAppStoreConnect, type AppStoreConnectStandIn } from '../../src/simulator/app-store-connect/server.js';
import type { Role } from '../../src/simulator/app-store-connect/tokens.js';
import { DISTRIBUTION, request, TEAM, temporaryHierarchy } from '../profile/support.js';

export const COURIER_UUID = '753bad01-23c2-521a-b90e-d56f6e4bb7e8';
const DAY = 86_400_000;

/** A team at a stand-in of App Store Connect: an App ID, a certificate of a year from now, and the profile in use, which expires in three days. */
export class TeamAtApple {
  readonly now = Date.now();
  key!: Awaited<ReturnType<AppStoreConnectStandIn['issueKey']>>;

  private constructor(
    private readonly hierarchy: Awaited<ReturnType<typeof temporaryHierarchy>>,
    readonly server: AppStoreConnectStandIn,
    readonly identity: DistributionCertificate,
    readonly certificate: AccountCertificate,
    readonly courier: AccountBundleId,
  ) {}

  static async open(role: Role = 'ADMIN'): Promise<TeamAtApple> {
    const hierarchy = await temporaryHierarchy();
    const identity = await hierarchy.apple.issueCertificate({
      commonName: DISTRIBUTION,
      team: TEAM,
      notAfter: new Date(Date.now() + 350 * DAY),
    });
    const account = new DeveloperAccount(hierarchy.apple, TEAM, Date.now);
    const team = new TeamAtApple(
      hierarchy,
      await startAppStoreConnect(account),
      identity,
      account.addCertificate(identity),
      account.addBundleId('com.acme.courier'),
    );
    team.key = await team.server.issueKey(role);
    return team;
  }

  get apple() {
    return this.hierarchy.apple;
  }

  get account(): DeveloperAccount {
    return this.server.account;
  }

  profile(over: Partial<ProfileRequest> = {}): Uint8Array {
    const createdAt = new Date(this.now - 362 * DAY);
    return this.apple.makeProfile(request({ certificates: [this.identity], createdAt, expiresAt: new Date(this.now + 3 * DAY), ...over }));
  }

  /** A profile that is at Apple already. */
  place(name: string, content: Uint8Array, over: Partial<AccountProfile> = {}): AccountProfile {
    const made = {
      name,
      profileType: 'IOS_APP_STORE',
      bundleId: this.courier.id,
      certificates: [this.certificate.id],
      devices: [],
      content,
    };
    return this.account.addProfile({ ...made, ...over });
  }

  source(over: Partial<AppStoreConnectOptions> = {}): ProfileSource {
    return createAppStoreConnectSource({
      name: 'apple',
      url: this.server.url,
      apiKey: { keyId: this.key.keyId, issuerId: this.key.issuerId, key: () => Promise.resolve(this.key.pem) },
      timeout: 5_000,
      patience: 1_500,
      successors: 'made',
      profiles: new VerifiedProfiles({ roots: pinRoots([this.apple.rootPem]) }),
      ...over,
    });
  }

  /** What a manifest says of the profile in use. */
  entry(method: Method = 'app-store', over: Partial<ManifestEntry> = {}): ManifestEntry {
    return {
      app: 'courier',
      role: 'host',
      team: TEAM as TeamId,
      bundleId: 'com.acme.courier',
      method,
      targets: ['Courier'],
      identity: this.identity.sha1,
      profile: {
        uuid: COURIER_UUID as Uuid,
        fileName: `${COURIER_UUID}.mobileprovision`,
        sha256: '0'.repeat(64) as Sha256,
        name: 'Courier App Store 2025',
        appId: `${TEAM}.com.acme.courier`,
        platforms: ['iOS'],
        certificates: [this.identity.sha1 satisfies Sha1],
        createdAt: '2025-11-29T09:24:31Z',
        expiresAt: '2026-11-29T09:14:07Z',
      },
      ...over,
    };
  }

  /** Paths that were asked for something else than to be read. */
  writes(): readonly string[] {
    return this.server.log.filter(({ method }) => method !== 'GET').map(({ method, path, status }) => `${method} ${path} ${status}`);
  }

  async close(): Promise<void> {
    await this.server.stop();
    this.hierarchy.dispose();
  }
}
