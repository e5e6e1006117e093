import type { RotationView } from '../../presenters/rotation.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { follow } from './follow.js';
import { ARGUMENTS, pathOf } from './tell.js';

export const command = defineCommand({
  description: 'Follow a rotation to its end; exit 0 when it completed, 1 when it ended otherwise',
  arguments: ARGUMENTS,
  options: {},
  async handler(context, { id }) {
    const api = await ApiClient.find(context);
    await api.get<RotationView>(pathOf(id));
    return follow(context, api, id);
  },
});
