/** CSSM_DL_DB_RECORD_PRIVATE_KEY, as `security` prints it. */
const PRIVATE_KEY = '0x00000010';

/**
 * Which partitions of programs may use each private key, by `security dump-keychain -a`: of the key's access the entry `authorizations (1): partition_id`,
 * whose description is the list (print_partition_id_list in keychain_utilities.c; outputs that people posted). null in place of a list: the key shows none.
 */
export function partitionLists(stdout: string): readonly (readonly string[] | null)[] {
  const items = stdout.split(/^(?=keychain: )/m);
  return items.filter((item) => new RegExp(`^class: ${PRIVATE_KEY}\\b`, 'm').test(item)).map(partitionsOf);
}

function partitionsOf(item: string): readonly string[] | null {
  const entry = item.split(/^ {4}entry \d+:$/m).find((one) => /^ *authorizations \(1\): partition_id$/m.test(one));
  const list = /^ *description: (.*)$/m.exec(entry ?? '')?.[1];
  return list === undefined ? null : list.split(/, */).filter((one) => one !== '');
}
