import type { RotationView } from '../../presenters/rotation.js';
import { isDecision } from '../../domain/rotation/statement.js';
import { ResealError } from '../../domain/errors.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';
import { ARGUMENTS, pathOf, SAID, tell, type Speaker } from './tell.js';

/** Whoever leaves nodes out names them, and signs the names: those that the question is about now. @throws ResealError ILLEGAL_COMMAND */
async function leaveOut(context: Context, id: string, question: string, said: Speaker): Promise<void> {
  const { rotation } = await (await ApiClient.find(context)).get<RotationView>(pathOf(id));
  const open = rotation.question;
  if (open?.id !== question || !open.options.includes('exclude')) {
    const instead = open === null ? 'asks nothing now' : `asks ${open.id}: ${open.options.join(' | ')}`;
    throw new ResealError('ILLEGAL_COMMAND', `${id} ${instead}.`);
  }
  await tell(context, id, 'exclude', said, { nodes: open.nodes });
}

export const command = defineCommand({
  description: 'Answer the question that a rotation asks',
  arguments: { ...ARGUMENTS, option: { kind: 'text', description: 'One of the options that the question offers', required: true } },
  options: { ...SAID, question: { kind: 'text', description: 'Which question, as `status` names it', required: true, value: 'Q' } },
  async handler(context, { id, option }, { question, ...said }) {
    if (option === 'exclude') return leaveOut(context, id, question, said);
    const { rotation } = isDecision(option) ? await (await ApiClient.find(context)).get<RotationView>(pathOf(id)) : { rotation: null };
    await tell(context, id, 'answer', said, {
      question,
      option,
      ...(rotation === null || rotation.to === null ? {} : { digest: rotation.to }),
    });
  },
});
