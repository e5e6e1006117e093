import { importPKCS8, SignJWT, type CryptoKey } from 'jose';
import { ResealError } from '../../../src/domain/errors.js';
import type { Secret } from '../../../src/secret/read-secret.js';

export interface ApiKey {
  readonly keyId: string;
  readonly issuerId: string;
  /** The contents of `AuthKey_<keyId>.p8`. */
  readonly key: Secret;
}

/** Seconds. Apple refuses more than 20 minutes (Generating Tokens for API Requests); a margin for clocks that differ. */
const LIFETIME = 15 * 60;
/** A token is used until so many seconds before its end. */
const REST = 60;

/** Signs tokens, and uses each again while it lives: Apple asks for that. The private key is read for each new one, and not kept. */
export class Tokens {
  private current: { readonly token: string; readonly until: number } | null = null;

  constructor(
    private readonly source: string,
    private readonly apiKey: ApiKey,
    private readonly clock: () => number,
  ) {}

  /** @throws ResealError SOURCE_REFUSED where there is no key, or none that ES256 takes */
  async get(): Promise<string> {
    const now = Math.floor(this.clock() / 1000);
    if (this.current !== null && now < this.current.until) return this.current.token;
    const { keyId, issuerId, key } = this.apiKey;
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId, typ: 'JWT' })
      .setIssuer(issuerId)
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME)
      .setAudience('appstoreconnect-v1')
      .sign(await this.privateKey(await key()));
    this.current = { token, until: now + LIFETIME - REST };
    return token;
  }

  /** After a token was refused: the next one is made of the key as it is then. */
  forget(): void {
    this.current = null;
  }

  private async privateKey(pem: string): Promise<CryptoKey> {
    try {
      return await importPKCS8(pem.trim(), 'ES256');
    } catch {
      // Without a cause: what the parser says may quote what it was given.
      throw new ResealError(
        'SOURCE_REFUSED',
        `The key of source ${this.source} is not what App Store Connect gives: expected the contents of AuthKey_${this.apiKey.keyId}.p8, which begin with -----BEGIN PRIVATE KEY----- and hold an EC key of the curve P-256. Download it again, or make a new one.`,
      );
    }
  }
}
