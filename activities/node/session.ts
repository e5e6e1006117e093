import type { LineName } from '../../src/domain/brands.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { NodeStep } from '../../src/domain/node/steps.js';
import type { Policy } from '../../src/domain/policy.js';
import type { LineDeclaration, NodeDeclaration } from '../../src/domain/topology.js';
import type { NodeShell } from '../../src/node-shell/contract.js';
import type { AdmittedAttempt, Held } from './fence.js';
import type { FrozenContents } from './frozen-contents.js';
import type { LinePaths } from './paths.js';

/** One node on one line, as an order sees it. */
export interface NodeSession {
  readonly files: NodeShell;
  readonly node: NodeDeclaration;
  readonly name: LineName;
  readonly line: LineDeclaration;
  readonly policy: Policy;
  readonly paths: LinePaths;
  readonly contents: FrozenContents;
  readonly order: Omit<NodeOrder, 'node'>;
  /** How far the node's clock was off when the order arrived, in milliseconds; positive: ahead of the sender. */
  readonly skew: number;
}

/** A session whose order was admitted, so that it may write. */
export interface WritingSession extends NodeSession {
  readonly attempt: AdmittedAttempt;
  /** The node's lock, which the attempt holds now. */
  readonly held: Held;
  readonly hooks: StepHooks;
}

/** Where a test stops an operation short. Production has none. */
export interface StepHooks {
  /** Everything is prepared and the fence was asked; the next thing is the step's rename, after one more look at the fence. */
  readonly beforeEffect?: (step: NodeStep) => void | Promise<void>;
  /** The step is done, effect or not. */
  readonly afterStep?: (step: NodeStep) => void | Promise<void>;
}
