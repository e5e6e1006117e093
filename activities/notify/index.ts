import { ApplicationFailure } from '@temporalio/common';
import type { Notice, NotifyActivities } from './contract.js';
import { deliver, type Delivery, deliveryId, type WebhookTarget } from './webhook.js';

export type { WebhookTarget } from './webhook.js';

/** How many deliveries are remembered, so that a retry for one webhook does not tell the others again. */
const REMEMBERED = 1_000;

/** A keychain that stays locked is a page, whose kind can be told apart; whoever asks for pages gets it. */
const asksFor = ({ events }: WebhookTarget, event: Notice['event']): boolean =>
  events.includes(event) || (event === 'keychain' && events.includes('page'));

/** Sends each notice to the webhooks that asked for its event. `now` in milliseconds; default: the clock. */
export function createNotifyActivities(options: {
  readonly webhooks: readonly WebhookTarget[];
  readonly now?: () => number;
}): NotifyActivities {
  const now = options.now ?? Date.now;
  const settled = new Map<string, Delivery>();

  async function deliverOnce(target: WebhookTarget, notice: Notice): Promise<Delivery> {
    const key = `${deliveryId(notice)} ${target.url}`;
    const before = settled.get(key);
    if (before !== undefined) return before;
    const delivery = await deliver(target, notice, now());
    if (delivery.ok || !delivery.retry) settled.set(key, delivery);
    const oldest = settled.keys().next();
    if (settled.size > REMEMBERED && oldest.done !== true) settled.delete(oldest.value);
    return delivery;
  }

  return {
    async notify(notice) {
      const targets = options.webhooks.filter((target) => asksFor(target, notice.event));
      const deliveries = await Promise.all(targets.map((target) => deliverOnce(target, notice)));
      const failures = deliveries.flatMap((delivery) => (delivery.ok ? [] : [delivery]));
      if (failures.length === 0) return;
      const message = `A notice (${notice.event}) was not delivered: ${failures.map((failure) => failure.reason).join('; ')}.`;
      throw ApplicationFailure.create({ message, type: 'NOTICE_NOT_DELIVERED', nonRetryable: !failures.some((failure) => failure.retry) });
    },
  };
}
