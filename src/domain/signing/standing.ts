/** Longer than any armored signature that SSH makes: that of an RSA key of 16,384 bits needs a third of it. In characters. */
export const LONGEST_SIGNATURE = 16_384;

/** Who signed: one of the keys that are declared for whoever is to have signed, another key, or nobody whose signature fits. */
export type SignatureStanding =
  | { readonly kind: 'declared'; readonly fingerprint: string }
  | { readonly kind: 'stranger'; readonly fingerprint: string }
  /** In words that end a sentence. */
  | { readonly kind: 'invalid'; readonly reason: string };
