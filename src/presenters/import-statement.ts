import type { ImportStatement } from '../domain/imports/statement.js';

interface Pen {
  time(at: number, now: number): string;
}

/** What is signed by whoever takes something into a store, in words: nothing that the statement holds is left out. */
export function importStatementText(statement: ImportStatement, key: string, pen: Pen, now: number): string[] {
  const { person, says, installation, mode, line, ticket } = statement;
  return [
    `${person} signs with ${key}, namespace reseal-approval-v1:`,
    `  says      ${inWords(statement)} (${says})`,
    `  at        installation ${installation}, ${mode}, line ${line}, ticket ${ticket}`,
    ...named(statement).map((one) => `  of        ${one}`),
    `  issued    ${statement.issuedAt}, to be written by ${pen.time(Date.parse(statement.expiresAt), now)}`,
    `  counts    for just this, as long as the roster has this key; nonce ${statement.nonce}`,
  ];
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

function inWords(statement: ImportStatement): string {
  const { person } = statement;
  switch (statement.says) {
    case 'profile-import':
      return `${person} imports ${counted(statement.profiles.length, 'profile')}, and approves no rotation to them`;
    case 'certificate-import':
      return `${person} imports identity ${statement.identity}, and approves no rotation to it`;
    case 'manifest-freeze':
      return `${person} freezes ${counted(statement.profiles.length, 'profile')} as a manifest, and approves no rotation to them`;
  }
}

function named(statement: ImportStatement): readonly string[] {
  switch (statement.says) {
    case 'profile-import':
      return statement.profiles.map((profile) => `profile ${profile}`);
    case 'certificate-import':
      return statement.copies.map(({ node, sha256 }) => `copy for ${node} ${sha256}`);
    case 'manifest-freeze':
      return [`manifest ${statement.manifest}`, ...statement.profiles.map((profile) => `profile ${profile}`)];
  }
}
