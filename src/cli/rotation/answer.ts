import type { RotationView } from '../../presenters/rotation.js';
import { isDecision } from '../../domain/rotation/statement.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { ARGUMENTS, pathOf, SAID, tell } from './tell.js';

export const command = defineCommand({
  description: 'Answer the question that a rotation asks',
  arguments: { ...ARGUMENTS, option: { kind: 'text', description: 'One of the options that the question offers', required: true } },
  options: { ...SAID, question: { kind: 'text', description: 'Which question, as `status` names it', required: true, value: 'Q' } },
  async handler(context, { id, option }, { question, ...said }) {
    const { rotation } = isDecision(option) ? await (await ApiClient.find(context)).get<RotationView>(pathOf(id)) : { rotation: null };
    await tell(context, id, 'answer', said, {
      question,
      option,
      ...(rotation === null || rotation.to === null ? {} : { digest: rotation.to }),
    });
  },
});
