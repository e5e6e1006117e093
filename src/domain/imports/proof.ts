/** That somebody has taken something in, and whether that is known. */
export interface Claim {
  /** Whom the store names. */
  readonly by: string;
  /** Null: it is proven, or counts as it is; else why not, in words that end a sentence. */
  readonly lacks: string | null;
}

/** Of the one thing that was taken in. */
export interface Provenance {
  /** Everybody whom the store names, proven or not: none of them decides on it. */
  readonly importers: readonly string[];
  /** Null: it is known who has taken it in; else the finding, with its code first. */
  readonly finding: string | null;
}

export interface Thing {
  /** As people know it. */
  readonly what: string;
  readonly done: 'imported' | 'frozen';
  /** The command that takes it in again, signed. */
  readonly again: string;
}

/** Codes of the findings that keep a rotation from beginning. */
const CODE = { imported: 'import-not-proven', frozen: 'freeze-not-proven' } as const;

/**
 * One proof is enough, whoever's it is: that person stands for it, and whoever else is named decides on it as little. So what somebody has taken in under
 * another's name is mended by taking it in again, and nobody's name is lost by that.
 */
export function provenanceOf(claims: readonly Claim[], { what, done, again }: Thing): Provenance {
  const importers = [...new Set(claims.map(({ by }) => by))];
  if (claims.length === 0 || claims.some(({ lacks }) => lacks === null)) return { importers, finding: null };
  const why = [...new Map(claims.map(({ by, lacks }) => [`${by}: ${lacks ?? ''}`, true])).keys()].join('; ');
  const finding = `${CODE[done]}: ${what} was ${done} by ${importers.join(' and ')}, the store says, and nothing proves it (${why}); have it ${done} again by somebody who signs: ${again}`;
  return { importers, finding };
}
