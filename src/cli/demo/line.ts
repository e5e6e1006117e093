import { commandRotation, listRotations, rotationEvents, rotationNodes, showRotation, untilClosed } from '../../api/rotations.js';
import type { RunningService } from '../../api/service.js';
import { changesText, eventText } from '../../presenters/rotation-text.js';
import { eventView, type RotationNodesView, type RotationView } from '../../presenters/rotation.js';
import type { Context } from '../command.js';
import type { DemoLine } from './home.js';

/** What the rotations of one demo have in common. */
export interface Stage {
  readonly context: Context;
  readonly service: RunningService;
  /** Who signs off where nobody is at a terminal. */
  readonly approvers: readonly string[];
  /** For commands in another terminal: ` --home DIR` where they would not find this home by themselves. */
  readonly homeFlag: string;
  /** As wide as the longest name of a line; 0 where there is one line, which is not named then. */
  readonly nameWidth: number;
}

/** One line's rotation, as a person looks on. */
export class LineOnStage {
  private seen = 0;
  private decided = false;
  /** As it was when last looked at. */
  view: RotationView | null = null;

  /** @param rejected whether it is the one that is turned down */
  constructor(
    private readonly stage: Stage,
    readonly line: DemoLine['line'],
    /** Its id; null while the scan has not started it. */
    public id: string | null,
    private readonly rejected: boolean,
  ) {}

  /** Whether the scan has started it by now. */
  async begun(): Promise<boolean> {
    if (this.id !== null) return true;
    const [first] = (await listRotations(this.stage.service.desk, this.line)).rotations;
    this.id = first?.id ?? null;
    return first !== undefined;
  }

  get ended(): boolean {
    return this.view !== null && this.view.rotation.outcome !== null;
  }

  /** Shows what has happened since the last look, and asks for signatures where it is time. Nothing once it has ended. */
  async look(): Promise<void> {
    const { id, stage } = this;
    if (id === null || this.ended) return;
    await this.showEvents(id);
    const view = await showRotation(stage.service.desk, id);
    this.view = view;
    if (view.rotation.outcome !== null) {
      // The record is written behind the rotation; when its workflow is closed, it is whole.
      await untilClosed(stage.service.desk, id);
      await this.showEvents(id);
    } else if (view.rotation.commands.includes('approve')) await this.signoff(view);
  }

  async nodes(): Promise<RotationNodesView> {
    return rotationNodes(this.stage.service.desk, this.id ?? '');
  }

  private async showEvents(id: string): Promise<void> {
    const { output } = this.stage.context;
    const { nameWidth } = this.stage;
    const name = nameWidth === 0 ? '' : `${output.styled(this.line.padEnd(nameWidth), 'dim')}  `;
    for (const event of await rotationEvents(this.stage.service.desk, id, this.seen)) {
      this.seen = event.seq;
      output.follow(eventView(event), (view) => `${name}${eventText(view, output)}`);
    }
  }

  /** Shows what is to be approved; a person at a terminal decides, elsewhere the demo's own people do. */
  private async signoff(view: RotationView): Promise<void> {
    if (this.decided) return;
    this.decided = true;
    const { service, approvers, homeFlag, nameWidth } = this.stage;
    const { output } = this.stage.context;
    const { rotation } = view;
    const ticket = rotation.trigger.ticket;
    const say = (line: string): void => {
      output.say(line);
    };
    say('');
    say(output.styled(`To be approved${nameWidth === 0 ? '' : ` on ${this.line}`}: manifest ${rotation.to ?? ''}`, 'bold'));
    say(
      `             in place of ${rotation.from ?? ''}, on ${rotation.nodes} nodes, at most ${rotation.maxUnavailable} unavailable at once`,
    );
    changesText(view.changes ?? [], output).forEach(say);
    say('');
    if (this.rejected) {
      const by = rejecterOf(approvers);
      say(`${by} rejects it.`);
      await commandRotation(service.desk, rotation.id, 'reject', { by, ticket, reason: 'the demo was asked to' });
      return;
    }
    if (output.interactive) {
      say(`It waits for two people. In another terminal, from this folder:`);
      for (const person of approvers)
        say(output.styled(`  npx reseal rotation approve ${rotation.id} --as ${person} --ticket ${ticket}${homeFlag}`, 'cyan'));
      say('');
      return;
    }
    for (const person of approvers) {
      say(`reseal rotation approve ${rotation.id} --as ${person} --ticket ${ticket}`);
      await commandRotation(service.desk, rotation.id, 'approve', { by: person, ticket, digest: rotation.to ?? '' });
    }
  }
}

/** Of those who would sign off, the one who says no where that is asked for. */
export const rejecterOf = (approvers: readonly string[]): string => approvers.at(-1) ?? '';
