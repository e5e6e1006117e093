import type { RosterAdopted } from '../../../activities/roster/contract.js';
import { readAdoption, type RosterAdoption, type SignedAdoption } from '../../domain/adopted-rosters.js';
import { ResealError } from '../../domain/errors.js';
import { adoptionText } from '../../presenters/roster-text.js';
import { rostersToSign, type RosterToSign, type RosterView } from '../../presenters/roster.js';
import { canonicalDigest, signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';
import { saidNow, type Said } from '../said.js';
import { KEY_OPTION, mustConsent, withSigningKey } from '../signing-key.js';

const PATH = '/v1/roster';

export const command = defineCommand({
  description:
    'Sign the roster as it is now, after showing what changes: with an adopted roster gates open, and the second signature makes an edit count',
  arguments: {},
  options: {
    as: { kind: 'text', required: true, value: 'PERSON', description: 'who adopts it, by the roster before (approve)' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    ...KEY_OPTION,
  },
  async handler(context, _, { as, ticket, key: named }) {
    const api = await ApiClient.find(context);
    const adopted = await withSigningKey(context, api, as, named, async (key) => {
      const view = await api.get<RosterView>(PATH);
      mustBeWhatIsNamed(view);
      const wanted = rostersToSign(view, as);
      if (wanted.length === 0) return bringAlong(api, view, as);
      if (key === null) throw new ResealError('SIGNATURE_NEEDED', `A roster is adopted by signature alone, and roster.yaml has no key of ${as}. Add one there, or name another person.`); // prettier-ignore
      const drafts = wanted.map((one) => ({ one, statement: draft(context, view, one, { as, ticket }) }));
      const words = drafts.flatMap(({ one, statement }) => [...adoptionText(statement, one, key, context.output, context.now()), '']);
      await mustConsent(context, words);
      const answers: RosterAdopted[] = [];
      for (const { statement } of drafts)
        answers.push(
          await api.post<RosterAdopted>(PATH, {
            statement,
            signature: await signStatement(statement, key, context.env),
          } satisfies SignedAdoption),
        );
      return answers;
    });
    context.output.show({ schemaVersion: 1, adopted }, () =>
      adopted.map(({ number, by }) => `roster ${number} is adopted by ${by.join(' and ')}${alone(by)}`),
    );
  },
});

const alone = (by: readonly string[]): string =>
  by.length > 1 ? '' : '; what it added, and who adopted it, count at a gate when a second person adopts it too, or in 7 days';

/** What is signed is what is shown: the digests are computed here. @throws ResealError DIGEST_MISMATCH */
function mustBeWhatIsNamed({ digest, roster, adopted }: RosterView): void {
  const shown = [{ digest, roster }, ...adopted];
  if (shown.every((one) => canonicalDigest(one.roster) === one.digest)) return;
  throw new ResealError('DIGEST_MISMATCH', 'A roster that the control API shows has another digest than it says. Nothing was signed; find out who answers there.'); // prettier-ignore
}

/** @throws ResealError USAGE */
function draft({ now }: Context, { installation }: RosterView, { number, digest, before }: RosterToSign, said: Said): RosterAdoption {
  const roster = { number, roster: digest, previous: before?.digest ?? null };
  const read = readAdoption({ ...saidNow(said, now()), says: 'roster-adopt', installation, ...roster });
  if (read.kind === 'adoption') return read.adoption;
  throw new ResealError('USAGE', `This cannot be signed: ${read.reason}.`);
}

/** Nothing is left to sign; a store that was away may still lack what was. @throws ResealError ALREADY_DECIDED */
async function bringAlong(api: ApiClient, { lagging, newest, standing }: RosterView, as: string): Promise<readonly RosterAdopted[]> {
  if (lagging.length > 0 && newest !== null) return [await api.post<RosterAdopted>(PATH, newest)];
  const number = standing.kind === 'adopted' ? ` ${standing.number}` : '';
  throw new ResealError('ALREADY_DECIDED', `Roster${number} is adopted, and there is nothing in it that ${as} has still to sign.`);
}
