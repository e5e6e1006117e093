import type { LineName } from '../brands.js';
import type { NodeDeclaration, Topology } from '../topology.js';
import { isSigner, mayHoldKeys, pathOfNode, type LineFacts } from './facts.js';
import { be, namesOf, plural, type TopologyFinding, type TopologyVerdict } from './finding.js';

const names = (nodes: readonly NodeDeclaration[]) => nodes.map((node) => node.name);

/** Whether what a line declares gives this node a reason to hold a private key. */
function hasReason(node: NodeDeclaration, { line }: LineFacts): boolean {
  const profiled = node.roles.some((role) => line.profilesOn.includes(role));
  switch (line.identity) {
    case 'signers':
      return isSigner(node);
    case 'per-node':
    case 'shared':
      return isSigner(node) || profiled;
    case 'sidecar':
      return false;
  }
}

/** Simulated nodes hold no keys, and nothing is signed on them: what they lack to sign is said, and is no fault. */
const gravity = (nodes: readonly NodeDeclaration[]): TopologyVerdict =>
  nodes.every((node) => node.environment === 'simulated') ? 'note' : 'error';

/** A line whose builds nobody could sign, and signers that hold nothing to sign with. */
export function checkSigners(topology: Topology, facts: LineFacts): TopologyFinding[] {
  const { name, line, nodes, signers, holders } = facts;
  if (nodes.length === 0)
    return [
      {
        verdict: 'error',
        check: 'line-without-nodes',
        lines: [name],
        nodes: [],
        path: ['lines', name],
        found: `No node follows line ${name}`,
        expected: `at least one node with lines: [${name}]`,
        next: 'Add the line to its nodes or to defaults.lines, or take the line out',
      },
    ];
  if (line.identity === 'sidecar') return [];
  const able = line.identity === 'signers' ? holders.filter(isSigner) : holders;
  const findings: TopologyFinding[] = [];
  const keyless = signers.filter((node) => !mayHoldKeys(node));
  if (keyless.length > 0)
    findings.push({
      verdict: gravity(keyless),
      check: 'signer-without-key',
      lines: [name],
      nodes: names(keyless),
      path: pathOfNode(topology, keyless[0], 'roles'),
      found: `${namesOf(names(keyless))} ${keyless.length === 1 ? 'is a signer' : 'are signers'} of line ${name} and may hold no private key`,
      expected: 'keys: allowed on each signer, unless the line has identity: sidecar',
      next: 'Say keys: allowed there, or take the role signer away; nothing, where the node is simulated',
    });
  else if (able.length === 0)
    findings.push({
      verdict: gravity(nodes),
      check: 'no-signer',
      lines: [name],
      nodes: [],
      path: ['lines', name, 'identity'],
      found: `Line ${name} has identity: ${line.identity}, and ${line.identity === 'signers' ? 'no node that follows it is a signer' : 'no node that follows it may hold a private key'}: nothing can be signed`,
      expected:
        line.identity === 'signers' ? 'at least one node with roles: [signer] and keys: allowed' : 'at least one node with keys: allowed',
      next: 'Declare who signs; two signers are better, for one of them is being switched at times',
    });
  if (able.length === 1 && line.keychains?.onUnlockFailure.includes('another-signer') === true)
    findings.push({
      verdict: 'warning',
      check: 'no-other-signer',
      lines: [name],
      nodes: names(able),
      path: ['lines', name, 'keychains', 'onUnlockFailure'],
      found: `Line ${name} goes to another signer where a keychain cannot be unlocked, and has none but ${namesOf(names(able))}`,
      expected: 'a second node that can sign, or onUnlockFailure: [retry, page]',
      next: 'Declare a second signer, or take another-signer out',
    });
  return findings;
}

/** Hosts that may hold private keys against what their lines say of identities. */
export function checkHolders(topology: Topology, all: readonly LineFacts[]): TopologyFinding[] {
  const linesOf = (node: NodeDeclaration) => all.filter((facts) => node.lines.includes(facts.name));
  const holders = topology.nodes.filter((node) => mayHoldKeys(node) && node.lines.length > 0);
  const unreasoned = holders.filter((node) => !linesOf(node).some((facts) => hasReason(node, facts)));
  const besideSidecar = unreasoned.filter((node) => linesOf(node).every((facts) => facts.line.identity === 'sidecar'));
  const idle = unreasoned.filter((node) => !besideSidecar.includes(node));
  const several = holders.filter((node) => linesOf(node).filter((facts) => hasReason(node, facts)).length > 1);
  const lines = (nodes: readonly NodeDeclaration[]): LineName[] => [...new Set(nodes.flatMap((node) => node.lines))];
  const finding = (nodes: readonly NodeDeclaration[], rest: Pick<TopologyFinding, 'verdict' | 'check' | 'found' | 'expected' | 'next'>) =>
    nodes.length === 0 ? [] : [{ ...rest, lines: lines(nodes), nodes: names(nodes), path: pathOfNode(topology, nodes[0], 'keys') }];
  return [
    ...finding(idle, {
      verdict: 'error',
      check: 'key-without-reason',
      found: `${namesOf(names(idle))} may hold private keys, and no line that ${idle.length === 1 ? 'it follows' : 'they follow'} puts a key there`,
      expected:
        'keys: allowed only where a line wants keys: on signers with identity: signers, on nodes with profiles with per-node or shared',
      next: 'Say keys: forbidden there and remove the key from the keychain, or give the node the role signer',
    }),
    ...finding(besideSidecar, {
      verdict: 'error',
      check: 'key-beside-sidecar',
      found: `${namesOf(names(besideSidecar))} may hold private keys, though the keys of ${namesOf(lines(besideSidecar))} live in a sidecar`,
      expected: 'keys: forbidden on every node of a line with identity: sidecar',
      next: 'Say keys: forbidden there; probes then report a key that is found on disk',
    }),
    ...finding(several, {
      verdict: 'warning',
      check: 'keys-of-several-lines',
      found: `${namesOf(names(several))} ${be(several)} to hold the keys of ${plural(lines(several).length, 'line')} (${namesOf(lines(several))}): whoever gets into ${several.length === 1 ? 'it' : 'one of them'} can sign for each`,
      expected: 'the keys of one line on a host',
      next: 'Give each line signers of its own',
    }),
  ];
}

/**
 * How many distribution certificates of one team may be active at once. 3 in the Apple Developer Program and 2 in the Enterprise Program,
 * by the answer of Apple Developer Program Support; the account help says one of each type, and the portal grants up to these.
 * docs/decisions.md has the sources.
 */
export const CERTIFICATE_LIMIT = { program: 3, enterprise: 2 } as const;

const LIMIT_WORDS = `Apple lets a team have ${CERTIFICATE_LIMIT.program} active distribution certificates (${CERTIFICATE_LIMIT.enterprise} in the Enterprise Program; Apple Developer Program Support)`;

/** Certificates per node against what Apple permits; a rotation needs a free place, since old and new certificate live side by side. */
export function checkCertificateLimit(all: readonly LineFacts[]): TopologyFinding[] {
  const perNode = all.filter((facts) => facts.line.identity === 'per-node');
  const single = perNode.flatMap(({ name, holders }): TopologyFinding[] => {
    const common = { check: 'certificate-limit', lines: [name], nodes: names(holders), path: ['lines', name, 'identity'] } as const;
    const found = `Line ${name} has a certificate on each of ${plural(holders.length, 'node')}; ${LIMIT_WORDS}`;
    if (holders.length > CERTIFICATE_LIMIT.program)
      return [
        {
          ...common,
          verdict: 'error',
          found,
          expected: `at most ${CERTIFICATE_LIMIT.program - 1} nodes with keys, so that a successor can be made while the old certificate lives`,
          next: 'Use identity: signers with one or two signers, or identity: sidecar',
        },
      ];
    if (holders.length < CERTIFICATE_LIMIT.enterprise) return [];
    const full = holders.length === CERTIFICATE_LIMIT.program;
    return [
      {
        ...common,
        verdict: full ? 'warning' : 'note',
        found: `${found}: ${full ? 'no place is left for a successor' : 'one place is left for a successor, none in the Enterprise Program'}`,
        expected: 'a free place, so that a successor can be made while the old certificate lives',
        next: full
          ? 'Take one node out of signing, or use identity: signers; otherwise a certificate must be revoked before its successor exists'
          : 'In the Enterprise Program use identity: signers; otherwise rotate one node after the other',
      },
    ];
  });
  const total = perNode.reduce((sum, { holders }) => sum + holders.length, 0);
  if (total <= CERTIFICATE_LIMIT.program || single.some((finding) => finding.verdict === 'error')) return single;
  const lines = perNode.map(({ name }) => name);
  return [
    ...single,
    {
      verdict: 'warning',
      check: 'certificate-limit',
      lines,
      nodes: perNode.flatMap(({ holders }) => names(holders)),
      path: ['lines'],
      found: `Lines ${namesOf(lines)} have ${total} certificates together; ${LIMIT_WORDS}`,
      expected: 'lines of several teams, or fewer nodes with keys',
      next: 'Where the lines are of one team, use identity: signers on them',
    },
  ];
}
