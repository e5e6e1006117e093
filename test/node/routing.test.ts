import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { thisMac } from '../../src/node-shell/place.js';
import { reachNodes, reachOnly, reachRegion } from '../../src/node-shell/reach.js';
import { declaration, NODE, tree, world, type World } from './mesh.js';

describe('an order that came to the wrong worker is refused for good, and nothing is touched:', () => {
  let mesh: World;
  beforeEach(async () => {
    mesh = await world();
  });
  afterEach(() => mesh.remove());

  it.each([
    [
      'one for another node, at an agent',
      () => reachOnly('ams-build-9' as NodeName, thisMac('/nonexistent', '')),
      'This is the agent of ams-build-9',
    ],
    ['one for its name, declared otherwise', () => reachOnly(NODE, thisMac('/nonexistent', '')), 'declared with reach: local'],
    ['one for no host of the region, at a gateway', () => reachRegion('us-east'), 'This is the gateway of us-east'],
  ])('%s', async (_, reach, said) => {
    const before = await tree(mesh.home);
    const activities = mesh.activities({ reach: reach().files });
    await expect(activities.stageNode({ ...mesh.order(), to: mesh.to })).rejects.toMatchObject({
      type: 'REFUSED',
      nonRetryable: true,
      message: expect.stringContaining(said) as string,
    });
    const { node: _node, ...order } = mesh.order();
    await expect(activities.probeNodes({ ...order, nodes: [NODE], manifest: mesh.from })).rejects.toMatchObject({ type: 'REFUSED' });
    expect(await tree(mesh.home)).toEqual(before);
  });

  it('one for a node with an agent, at a worker of the installation', () => {
    const node = declaration(mesh.home, { reach: { kind: 'agent' } });
    expect(() => reachNodes().files(node)).toThrow(`Node ${NODE} is served by the agent on it alone`);
  });

  it('a gateway reaches the hosts of its region', () => {
    const host = declaration(mesh.home, { region: 'us-east', reach: { kind: 'ssh', host: '192.0.2.1', port: 22, user: 'reseal' } });
    const gateway = reachRegion('us-east');
    expect(gateway.files(host).node).toBe(NODE);
    expect(() => gateway.files({ ...host, region: 'eu-west' })).toThrow('is no host of that region');
    gateway.close();
  });
});
