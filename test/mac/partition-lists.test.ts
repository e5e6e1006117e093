import { expect, it } from 'vitest';
import { partitionLists } from '../../src/mac/partition-lists.js';

/** As people post it; the entry for signing has a description of its own, which is no list. */
const item = (itemClass: string, partitions: string | null): string =>
  `keychain: "/Users/ci/Library/Keychains/reseal-97134e8c.keychain-db"
version: 512
class: ${itemClass} 
attributes:
    0x00000001 <blob>="Apple Distribution: Acme GmbH"
access: 3 entries
    entry 0:
        authorizations (1): encrypt
        don't-require-password
        description: Imported Private Key
        applications: <null>
    entry 1:
        authorizations (6): decrypt derive export_clear export_wrapped mac sign
        don't-require-password
        description: Imported Private Key
        applications (1):
            0: /usr/bin/codesign (OK)
${partitions === null ? '' : `    entry 2:\n        authorizations (1): partition_id\n        don't-require-password\n        description: ${partitions}\n        applications: <null>\n`}`;

it('reads the partition list of each private key, and of nothing else (S5)', () => {
  const dump = [
    item('0x00000010', 'apple-tool:, apple:, codesign:'),
    item('0x80001000', 'apple-tool:'),
    item('"genp"', 'teamid:9QK4T7XW2B'),
    item('0x00000010', null),
    item('0x00000010', 'apple-tool:'),
  ];
  expect(partitionLists(dump.join(''))).toEqual([['apple-tool:', 'apple:', 'codesign:'], null, ['apple-tool:']]);
  expect(partitionLists('')).toEqual([]);
});
