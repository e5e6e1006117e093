import { jwtVerify, type CryptoKey } from 'jose';

export type Role = 'ADMIN' | 'APP_MANAGER' | 'DEVELOPER';

export interface IssuedKey {
  readonly keyId: string;
  readonly issuerId: string;
  readonly publicKey: CryptoKey;
  role: Role;
}

/** Apple's longest, in seconds. */
const LONGEST = 20 * 60;

/** Whose token it is; null where Apple would not take it. */
export async function ownerOf(authorization: string | undefined, keys: readonly IssuedKey[], now: number): Promise<IssuedKey | null> {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
  try {
    let owner: IssuedKey | undefined;
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        owner = keys.find((one) => one.keyId === kid);
        if (owner === undefined) throw new Error('no such key');
        return owner.publicKey;
      },
      { algorithms: ['ES256'], audience: 'appstoreconnect-v1', currentDate: new Date(now), requiredClaims: ['iat', 'exp', 'iss'] },
    );
    if (owner === undefined || payload.iss !== owner.issuerId) return null;
    return (payload.exp ?? Infinity) - (payload.iat ?? 0) <= LONGEST ? owner : null;
  } catch {
    return null;
  }
}
