/** The beginning of a SHA-256 in hexadecimal, by which people tell manifests apart. */
export const shortDigest = (digest: string): string => digest.slice(0, 12);
