import type { LineName, Sha1 } from './brands.js';

/** What a signing sidecar calls the key of an identity. It follows from the certificate, so a manifest binds its builds to it, and two certificates of a line never share one. */
export const keyAlias = (line: LineName, identity: Sha1): string => `${line}-${identity.slice(0, 8)}`;
