import { resolve } from 'node:path';
import type { LineName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { mayDo } from '../../domain/roster.js';
import { ticketRefusal } from '../../domain/tickets.js';
import { frozenText, warningsText } from '../../presenters/frozen-text.js';
import { defineCommand } from '../command.js';
import { refuseControlCharacters } from '../said.js';
import { signImport } from '../signed-import.js';
import { KEY_OPTION } from '../signing-key.js';
import { PROJECT_OPTIONS } from './apps.js';
import { freezeFolder } from './freezing.js';
import { withStores } from './read.js';

export const command = defineCommand({
  description: "Verify a folder's profiles and freeze them as a line's first manifest",
  arguments: {
    dir: { kind: 'text', description: 'Folder with *.mobileprovision and apps.yaml; NODE/ in it: for that node alone', required: true },
  },
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml', required: true, value: 'LINE' },
    ...PROJECT_OPTIONS,
    first: { kind: 'flag', description: "Make it the line's head; refused where the line has one" },
    as: { kind: 'text', description: 'The person who freezes, by the roster', required: true, value: 'PERSON' },
    ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
    ...KEY_OPTION,
  },
  async handler(context, { dir }, { line, first, as, ticket, key, ...files }) {
    const folder = resolve(context.cwd, dir);
    refuseControlCharacters({ as, ticket });
    await withStores(context, async (configuration, storeOf) => {
      if (!mayDo(configuration.roster, as, 'freeze')) throw new ResealError('NOT_ENTITLED', `The roster does not let ${as} freeze.`);
      const refusal = ticketRefusal(ticket, configuration.policy);
      if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}.`);
      const store = await storeOf(line);
      const { frozen, profiles, storeCreated, signing, warnings } = await freezeFolder({
        configuration,
        store,
        line: line as LineName,
        folder,
        cwd: context.cwd,
        files,
        by: { by: as, ticket },
        into: first ? 'head' : 'store',
        now: context.now(),
        vouch: (taken) => signImport(context, configuration, [line as LineName], { by: as, ticket, key }, taken),
      });
      const view = {
        schemaVersion: 1,
        line,
        sha256: frozen.sha256,
        sha1: frozen.sha1,
        profiles,
        head: first,
        storeCreated,
        signing,
        warnings,
      };
      context.output.show(view, () => [
        ...(storeCreated ? [`There was no store for ${line}: made a new one, ${store.path}.`] : []),
        frozenText(view),
        ...warningsText(view, context.output),
      ]);
    });
  },
});
