import type { LineName } from '../../src/domain/brands.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { NodeStep } from '../../src/domain/node/steps.js';
import type { Policy } from '../../src/domain/policy.js';
import type { LineDeclaration, NodeDeclaration } from '../../src/domain/topology.js';
import type { NodeShell } from '../../src/node-shell/contract.js';
import type { AdmittedAttempt, Held } from './fence.js';
import type { FrozenContents } from './frozen-contents.js';
import type { LinePaths, VolumePaths } from './paths.js';

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
  /** Who writes the line's volume, where it has one. Reached only when it is asked for: whoever looks at a node needs the node alone. */
  readonly publisher: (() => Publisher) | null;
}

/** The publisher of a line's volume, as it is for one node. */
export interface Publisher {
  readonly files: NodeShell;
  readonly paths: VolumePaths;
}

/** A session whose order was admitted, so that it may write. */
export interface WritingSession extends NodeSession {
  readonly attempt: AdmittedAttempt;
  /** The node's lock, which the attempt holds now. */
  readonly held: Held;
  /** The line's volume, where it has one; the publisher has admitted the order too. */
  readonly volume: Volume | null;
  readonly hooks: StepHooks;
}

/** A published volume, in an operation of one node. */
export interface Volume extends Publisher {
  /** The order on the node's lane at the publisher. */
  readonly attempt: AdmittedAttempt;
}

/** Where a test stops an operation short. Production has none. */
export interface StepHooks {
  /** Everything is prepared and the fence was asked; the next thing is the step's rename, after one more look at the fence. */
  readonly beforeEffect?: (step: NodeStep) => void | Promise<void>;
  /** The step is done, effect or not. */
  readonly afterStep?: (step: NodeStep) => void | Promise<void>;
}
