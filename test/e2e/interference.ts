import type { NodeActivities } from '../../activities/node/contract.js';
import { until } from '../setup/until.js';

export type NodeOperationName = 'inspect' | 'stage' | 'switch' | 'retire' | 'restore' | 'unstage';
type Before = (operation: NodeOperationName, node: string, target: string) => Promise<void> | void;

/** Stands between the worker and the nodes: whatever `before` does, happens to an operation before the node hears of it. */
export class Interference {
  before: Before = () => undefined;
  /** Every attempt, in the order in which they came. */
  readonly seen: { readonly operation: NodeOperationName; readonly node: string; readonly target: string }[] = [];

  /** What came of attempts that failed, in the order in which they ended. */
  readonly failed: { readonly operation: NodeOperationName; readonly node: string; readonly reason: string }[] = [];

  /** The nodes that an operation with this target reached. */
  nodesOf(operation: NodeOperationName, target: string): readonly string[] {
    return [...new Set(this.seen.filter((one) => one.operation === operation && one.target === target).map((one) => one.node))];
  }

  readonly decorate = (nodes: NodeActivities): NodeActivities => {
    const wrap =
      <A extends { readonly node: string }, R>(
        operation: NodeOperationName,
        work: (order: A) => Promise<R>,
        target: (order: A) => string = () => '',
      ) =>
      async (order: A): Promise<R> => {
        this.seen.push({ operation, node: order.node, target: target(order) });
        await this.before(operation, order.node, target(order));
        try {
          return await work(order);
        } catch (error) {
          this.failed.push({ operation, node: order.node, reason: String(error) });
          throw error;
        }
      };
    return {
      ...nodes,
      inspectNode: wrap('inspect', nodes.inspectNode),
      stageNode: wrap('stage', nodes.stageNode),
      switchNode: wrap('switch', nodes.switchNode, (order) => order.target),
      retireNode: wrap('retire', nodes.retireNode),
      restoreNode: wrap('restore', nodes.restoreNode),
      unstageNode: wrap('unstage', nodes.unstageNode),
    };
  };

  /** Holds every operation of a kind until released. */
  hold(operation: NodeOperationName, fits: (node: string, target: string) => boolean = () => true): Held {
    const held = new Held();
    const outer = this.before;
    this.before = async (what, node, target) => {
      await outer(what, node, target);
      if (what === operation && fits(node, target)) await held.wait(node);
    };
    return held;
  }
}

export class Held {
  private readonly waiting: string[] = [];
  private readonly open: Promise<void>;
  private let: () => void = () => undefined;

  constructor() {
    this.open = new Promise((resolve) => {
      this.let = resolve;
    });
  }

  wait(node: string): Promise<void> {
    this.waiting.push(node);
    return this.open;
  }

  /** The first node that is held. */
  node(): Promise<string> {
    return until(() => this.waiting[0] ?? null, { what: 'an operation that is held' });
  }

  release(): void {
    this.let();
  }
}
