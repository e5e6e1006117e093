import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { isName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { notPlain } from '../../domain/plain-text.js';
import { TICKET_PATTERN, ticketRefusal } from '../../domain/tickets.js';
import { pinRootFiles } from '../../profile/index.js';

/** What a first configuration is made of; every name is one that the configuration's own schemas take. */
export interface InitialTeam {
  readonly installation: string;
  readonly line: string;
  readonly node: { readonly kind: 'simulated' | 'declared'; readonly name: string; readonly region: string; readonly image: string };
  readonly owner: string;
  readonly approvers: readonly string[];
  readonly ticket: string;
  /** Certificates of roots, PEM, by the file names that they get. */
  readonly roots: readonly { readonly name: string; readonly pem: string }[];
}

/** What the command line says of it. */
export interface TeamChoice {
  readonly installation: string | undefined;
  readonly line: string | undefined;
  readonly node: string | undefined;
  readonly region: string | undefined;
  readonly image: string | undefined;
  readonly owner: string | undefined;
  readonly approver: readonly string[];
  readonly ticket: string | undefined;
  readonly trustRoot: readonly string[];
}

const DEFAULTS = {
  line: 'ios-main',
  node: 'lab-1',
  region: 'lab',
  image: 'lab-image-1',
  ticket: 'CHG-1',
  approvers: ['approver-1', 'approver-2'],
} as const;

/**
 * @param folder that gets the configuration; its name is the installation's where none is given
 * @throws ResealError USAGE, FILE_UNREADABLE
 */
export async function teamOf(
  choice: TeamChoice,
  folder: string,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<InitialTeam> {
  const { node } = choice;
  const declared = node !== undefined;
  if (node !== undefined && (choice.region === undefined || choice.image === undefined))
    throw new ResealError(
      'USAGE',
      `--node ${node} declares a Mac: say its --region and its --image too. Without --node a simulated one is declared.`,
    );
  if (declared && choice.trustRoot.length > 0)
    throw new ResealError('USAGE', '--trust-root counts for simulated nodes only, and --node declares a Mac. Leave one of them out.');
  const owner = named('--owner', choice.owner ?? nameFrom(env['USER'] ?? '', 'owner'));
  const approvers = (choice.approver.length === 0 ? DEFAULTS.approvers : choice.approver).map((id) => named('--approver', id));
  if (new Set(approvers).size < 2 || approvers.includes(owner))
    throw new ResealError(
      'USAGE',
      `--approver takes at least two people other than ${owner}, who owns the line: two approve, and never who asked.`,
    );
  return {
    installation: named('--installation', choice.installation ?? nameFrom(basename(folder), 'mesh')),
    line: named('--line', choice.line ?? DEFAULTS.line),
    node: {
      kind: declared ? 'declared' : 'simulated',
      name: named('--node', node ?? DEFAULTS.node),
      region: plain('--region', choice.region ?? DEFAULTS.region),
      image: plain('--image', choice.image ?? DEFAULTS.image),
    },
    owner,
    approvers: [...new Set(approvers)],
    ticket: ticketOf(choice.ticket ?? DEFAULTS.ticket),
    roots: await Promise.all(
      choice.trustRoot.map(async (path, index) => ({ name: `root-${index + 1}.pem`, pem: await rootAt(resolve(cwd, path)) })),
    ),
  };
}

function named(option: string, name: string): string {
  if (isName(name)) return name;
  throw new ResealError(
    'USAGE',
    `${option} takes a name of lower-case letters, digits and hyphens, at most 63 characters, not ${JSON.stringify(name)}.`,
  );
}

function plain(option: string, value: string): string {
  if (value !== '' && notPlain(value) === null) return value;
  throw new ResealError('USAGE', `${option} takes a text on one line, not ${JSON.stringify(value)}.`);
}

/** A name for what people call otherwise. */
function nameFrom(called: string, fallback: string): string {
  const name = called
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-|-$/g, '');
  return isName(name) ? name : fallback;
}

function ticketOf(ticket: string): string {
  const refusal = ticketRefusal(ticket, { tickets: { pattern: TICKET_PATTERN }, scan: { ticket: DEFAULTS.ticket } });
  if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}.`);
  return ticket;
}

async function rootAt(path: string): Promise<string> {
  pinRootFiles([path]);
  return readFile(path, 'utf8');
}
