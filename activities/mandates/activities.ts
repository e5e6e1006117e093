import { ResealError } from '../../src/domain/errors.js';
import { RIGHT_OF, type Deed } from '../../src/domain/mandate.js';
import { asOfNow } from '../rotation/as-of-now.js';
import { inForceOn, orderRestore } from '../rotation/restore.js';
import { mustStandOnAdopted } from '../roster/standing.js';
import { asFailure, authorityOf, situationOf } from '../rotation/surroundings.js';
import { isApproved, refuseInFlight, SCHEDULE, type ReturningDesk } from '../returning/activities.js';
import type { AskedOfNode, MandateActivities } from './contract.js';
import { mustBeMandated } from './judge.js';

export function createMandateActivities(desk: ReturningDesk): MandateActivities {
  const { around } = desk;
  /** Counts a mandate, where there is one: for this key, and for no other. */
  const count = async (asked: AskedOfNode, deed: Deed): Promise<void> => {
    const mandate = judge(asked, deed);
    if (mandate !== null && asked.signed !== undefined && isReal(asked))
      await mustStandOnAdopted(around, asked.line, { by: asked.by, right: RIGHT_OF[deed.says], ...asked.signed });
    if (mandate !== null) await situationOf(around, asked.line).store.allot(asked.line, asked.key, asked, mandate.nonce);
    await keep(asked);
  };
  /** Where the node is simulated, names count, and nobody has to have adopted a roster. */
  const isReal = ({ line, node: name }: AskedOfNode): boolean =>
    declared({ node: name }).environment !== 'simulated' || authorityOf(around.configuration(), line, 0).assurance === 'signature';
  const judge = (asked: AskedOfNode, deed: Deed) => mustBeMandated(around.configuration(), asked, deed, around.clock());
  /** What was signed, for whoever verifies it years later. */
  const keep = async ({ signed, line, by, ticket }: AskedOfNode): Promise<void> => {
    if (signed !== undefined)
      await situationOf(around, line).store.putFrozen({ kind: 'mandate', schemaVersion: 1, ...signed }, { by, ticket });
  };
  const declared = ({ node: name }: Pick<AskedOfNode, 'node'>) => {
    const node = around.configuration().topology.nodes.find((one) => one.name === name);
    if (node === undefined) throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}.`);
    return node;
  };
  return {
    orderRestore: (asked) =>
      asFailure(async () => {
        const { line } = asked;
        const node = declared(asked);
        const deed = async (): Promise<Deed> => ({ says: 'node-restore', node: node.name, manifest: await inForceOn(around, line) });
        const mandate = judge(asked, await deed());
        const order = { node, line, key: asked.key, by: asked.by, ticket: asked.ticket, nonce: mandate?.nonce };
        const input = await orderRestore(around, order, () => refuseInFlight(desk, line));
        // What is in force may have changed while the number was allotted.
        judge(asked, { says: 'node-restore', node: node.name, manifest: input.manifest });
        await keep(asked);
        return input;
      }),
    orderPurge: (asked) =>
      asFailure(async () => {
        const node = declared(asked);
        await count(asked, { says: 'node-purge', node: node.name });
        return asOfNow(around, asked.line, [node], { by: asked.by, ticket: asked.ticket });
      }),
    orderRelease: (asked) =>
      asFailure(async () => {
        await count(asked, { says: 'seat-release', node: asked.node, holder: asked.holder, job: asked.job });
      }),
    judgeReturn: ({ line, node, by, ticket, manifest, number, key }) =>
      asFailure(async () => {
        const { policy, topology } = around.configuration();
        const follows = topology.nodes.some((one) => one.name === node && one.lines.includes(line));
        if (by !== SCHEDULE || ticket !== policy.scan.ticket || !follows)
          throw new ResealError('SIGNATURE_NEEDED', `What nobody has signed restores nodes of ${line} under ${policy.scan.ticket}, as ${SCHEDULE}, and nothing else.`); // prettier-ignore
        const head = await inForceOn(around, line);
        if (head !== manifest || !(await isApproved(desk, line, head)))
          throw new ResealError('REFUSED', `Manifest ${manifest} is not what was approved and is in force on ${line}; nothing is spread unasked but that.`); // prettier-ignore
        // By a number of somebody's own making the node would refuse all later orders.
        if ((await situationOf(around, line).store.allottedTo(line, key)) !== number)
          throw new ResealError('REFUSED', `Number ${number} of ${line} was not allotted to a look for nodes that came back; nothing was touched.`); // prettier-ignore
      }),
  };
}
