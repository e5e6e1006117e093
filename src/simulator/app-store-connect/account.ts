import { randomUUID } from 'node:crypto';
import type { Method } from '../../domain/manifest.js';
import { readProfileDescription } from './profile-contents.js';
import type { AppleHierarchy, DistributionCertificate } from '../apple-hierarchy.js';

export interface AccountBundleId {
  readonly id: string;
  readonly identifier: string;
  readonly name: string;
}

export interface AccountCertificate {
  readonly id: string;
  readonly type: 'DISTRIBUTION' | 'DEVELOPMENT';
  readonly certificate: DistributionCertificate;
  revoked: boolean;
}

export interface AccountDevice {
  readonly id: string;
  readonly udid: string;
  status: 'ENABLED' | 'DISABLED';
}

export interface AccountProfile {
  readonly id: string;
  readonly name: string;
  readonly profileType: string;
  readonly bundleId: string;
  readonly certificates: readonly string[];
  readonly devices: readonly string[];
  readonly uuid: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly content: Uint8Array;
}

export interface NewProfile {
  readonly name: string;
  readonly profileType: string;
  readonly bundleId: string;
  readonly certificates: readonly string[];
  readonly devices: readonly string[];
}

const YEAR = 365 * 86_400_000;

export const METHODS: Readonly<Record<string, Method>> = {
  IOS_APP_STORE: 'app-store',
  IOS_APP_ADHOC: 'ad-hoc',
  IOS_APP_DEVELOPMENT: 'development',
  IOS_APP_INHOUSE: 'enterprise',
};

/** What a team has at Apple: App IDs, certificates, devices, and profiles that the simulated Apple signs. */
export class DeveloperAccount {
  readonly bundleIds: AccountBundleId[] = [];
  readonly certificates: AccountCertificate[] = [];
  readonly devices: AccountDevice[] = [];
  readonly profiles: AccountProfile[] = [];
  private last = 0;

  constructor(
    readonly apple: AppleHierarchy,
    readonly team: string,
    readonly clock: () => number,
  ) {}

  addBundleId(identifier: string): AccountBundleId {
    const added = { id: this.newId(), identifier, name: identifier.replaceAll(/[^A-Za-z0-9 ]/g, ' ') };
    this.bundleIds.push(added);
    return added;
  }

  addCertificate(certificate: DistributionCertificate, type: AccountCertificate['type'] = 'DISTRIBUTION'): AccountCertificate {
    const added = { id: this.newId(), type, certificate, revoked: false };
    this.certificates.push(added);
    return added;
  }

  addDevice(udid: string, status: AccountDevice['status'] = 'ENABLED'): AccountDevice {
    const added = { id: this.newId(), udid, status };
    this.devices.push(added);
    return added;
  }

  /** A profile that somebody made in the portal before; its bytes may be any. */
  addProfile(profile: Omit<AccountProfile, 'id' | 'uuid' | 'createdAt' | 'expiresAt'>): AccountProfile {
    const added = { ...profile, id: this.newId(), ...readProfileDescription(profile.content) };
    this.profiles.push(added);
    return added;
  }

  /** Signs a new one: it lives for a year, and no longer than its certificates. */
  makeProfile(request: NewProfile): AccountProfile {
    const now = Math.floor(this.clock() / 1000) * 1000;
    const certificates = this.certificates.filter(({ id }) => request.certificates.includes(id)).map((one) => one.certificate);
    const expiresAt = new Date(Math.min(now + YEAR, ...certificates.map((one) => one.notAfter.getTime())));
    const kind = METHODS[request.profileType] ?? 'app-store';
    const devices = this.devices.filter(({ id }) => request.devices.includes(id)).map((one) => one.udid);
    const uuid = randomUUID();
    const createdAt = new Date(now);
    const bundleId = this.bundleIds.find(({ id }) => id === request.bundleId)?.identifier ?? '';
    const content = this.apple.makeProfile({
      uuid,
      name: request.name,
      team: this.team,
      bundleId,
      kind,
      certificates,
      ...(kind === 'ad-hoc' || kind === 'development' ? { devices } : {}),
      createdAt,
      expiresAt,
    });
    const made = { ...request, id: this.newId(), uuid, createdAt, expiresAt, content };
    this.profiles.push(made);
    return made;
  }

  /** As Apple says it: by certificates that were revoked. That one has expired it tells only later. */
  stateOf(profile: AccountProfile): 'ACTIVE' | 'INVALID' {
    const revoked = this.certificates.filter((one) => one.revoked).map(({ id }) => id);
    const known = this.certificates.map(({ id }) => id);
    return profile.certificates.every((id) => !revoked.includes(id) && known.includes(id)) ? 'ACTIVE' : 'INVALID';
  }

  hasExpired(profile: AccountProfile): boolean {
    return profile.expiresAt.getTime() <= this.clock();
  }

  private newId(): string {
    this.last += 1;
    return `${this.last}`.padStart(10, 'A');
  }
}
