import type { Listing, ProfileSource } from '../contract.js';
import { readMatch, type MatchOptions } from './reading.js';
import { writeBack } from './write-back.js';

export interface MatchSourceOptions extends MatchOptions {
  /** Whether successors from elsewhere are written into the repository. */
  readonly successors: 'read' | 'written-back';
}

/** The profiles of a fastlane match repository as successors. match knows neither holders nor variants, so its profiles are for entries without either. */
export function createMatchSource(options: MatchSourceOptions): ProfileSource {
  return {
    name: options.name,
    list: async (): Promise<Listing> => {
      const { profiles, ignored } = await readMatch(options);
      return { candidates: profiles.map((one) => one.candidate), ignored };
    },
    ...(options.successors === 'written-back' ? { writeBack: (successions, context) => writeBack(options, successions, context) } : {}),
  };
}
