import { ALL_PHASES } from '../../src/domain/rotation/phases.js';
import { OPTIONS } from '../../src/domain/rotation/questions.js';
import type { Explored } from './explore.js';

const CAN_PAUSE = ['staging', 'canary', 'awaiting-signoff', 'rolling', 'cutover', 'soaking'];

/** What rotation.md says can be said, and where: `phase: command`. */
const SAYABLE: readonly string[] = [
  ...[
    'awaiting-signoff: approve',
    'awaiting-signoff: reject',
    'awaiting-signoff: withdraw',
    'rolling: withdraw',
    'rolling: approve',
    'awaiting-retirement: approve',
  ],
  ...[...CAN_PAUSE, 'awaiting-retirement'].flatMap((phase) => [
    `${phase}: pause`,
    `${phase}: resume`,
    `${phase}: rollback`,
    `${phase}: cancel`,
  ]),
  ...['scheduled', 'awaiting-successor', 'preflight', 'retiring'].map((phase) => `${phase}: cancel`),
  ...['retiring: rollback', 'escalated: rollback', 'escalated: close', 'escalated: retry', 'escalated: exclude'],
  ...['staging', 'canary', 'rolling', 'soaking'].flatMap((phase) => [`${phase}: retry`, `${phase}: exclude`]),
];

/** Phases of versions to come. */
const NOT_YET = ['superseded'];

/** Phases and commands that no exploration has met; every option of every question among them, but for leaving nodes out, which is a command that names them. */
export function neverReached(all: readonly Explored[]): { readonly phases: readonly string[]; readonly commands: readonly string[] } {
  const met = new Set(all.flatMap((one) => [...one.phases]));
  const said = new Set(all.flatMap((one) => [...one.said]));
  const answered = new Set([...said].map((one) => one.replace(/^[^:]+: /, '')));
  const options = Object.entries(OPTIONS).flatMap(([question, of]) =>
    of.flatMap((option) => (option === 'exclude' ? [] : [`answer ${question} ${option}`])),
  );
  return {
    phases: ALL_PHASES.filter((phase) => !met.has(phase) && !NOT_YET.includes(phase)),
    commands: [...SAYABLE.filter((one) => !said.has(one)), ...options.filter((one) => !answered.has(one))],
  };
}
