/** A node of a simulated mesh. */
export interface SimulatedNode {
  readonly name: string;
  readonly region: string;
  readonly image: string;
  readonly roles: readonly ('signer' | 'compile' | 'publisher')[];
}

/** An app and its bundle ids, the host's first. */
export interface SimulatedApp {
  readonly name: string;
  readonly bundles: readonly { readonly bundleId: string; readonly role: 'host' | 'extension'; readonly target: string }[];
}

export const TEAM = '9QK4T7XW2B';
export const LINE = 'ios-main';

const REGIONS = ['eu-west', 'us-east', 'ap-south'];
const CITIES = ['ams', 'iad', 'bom'];

/** Nodes spread over three regions; in each the first is a signer on an image of its own. */
export function simulatedNodes(count: number): readonly SimulatedNode[] {
  return Array.from({ length: count }, (_, index) => {
    const region = index % REGIONS.length;
    const number = Math.floor(index / REGIONS.length);
    const signer = number === 0;
    const digits = String(signer ? 1 : number).padStart(count > 300 ? 4 : 1, '0');
    return {
      name: `${CITIES[region] ?? 'xxx'}-${signer ? 'sign' : 'build'}-${digits}`,
      region: REGIONS[region] ?? 'eu-west',
      image: signer ? 'tahoe-26.1-sign-b2' : 'tahoe-26.1-b4',
      roles: [signer ? 'signer' : 'compile'],
    };
  });
}

/** The node that publishes a volume; nothing is built or signed on it. */
export const SIMULATED_PUBLISHER: SimulatedNode = {
  name: 'ams-publish-1',
  region: 'eu-west',
  image: 'tahoe-26.1-publish-b1',
  roles: ['publisher'],
};

/** A host app with two extensions, and a second app. */
export const SIMULATED_APPS: readonly SimulatedApp[] = [
  {
    name: 'courier',
    bundles: [
      { bundleId: 'com.acme.courier', role: 'host', target: 'Courier' },
      { bundleId: 'com.acme.courier.notify', role: 'extension', target: 'CourierNotify' },
      { bundleId: 'com.acme.courier.share', role: 'extension', target: 'CourierShare' },
    ],
  },
  { name: 'depot', bundles: [{ bundleId: 'com.acme.depot', role: 'host', target: 'Depot' }] },
];

/** Waits short enough to watch; the proportions are those of a real rotation. */
export const QUICK_POLICY = {
  schemaVersion: 1,
  scan: { every: '1d', at: '06:00', zone: 'UTC', lookAhead: '48h', ticket: 'DEMO-1' },
  cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['10%', '30%', '60%'], maxUnavailable: 2, stallTimeout: '5s' },
  probe: { passes: 3, interval: '400ms', checkTimeout: '10s', inconclusiveFor: '5s' },
  soak: { duration: '10s', interval: '2s', floor: '0s' },
  gate: { approvals: 2, timeout: '2h', calendar: 'none', remindEvery: '30m', widenAfter: '1h', approvalValid: '72h' },
  retirement: { secondGate: false, maxBuildDuration: '5s', overduePinPageEvery: '1m' },
  rollback: { headTime: '10s', nodeTime: '30s', safetyMargin: '24h', minLifeAfterRollback: '72h' },
  escalation: { pageEvery: '1m' },
  limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '1m', nodeOfflineAfter: '5s' },
  audience: { owner: ['rita'], widened: ['approvers'], page: ['oncall'] },
};

export const ROSTER = {
  schemaVersion: 1,
  persons: [
    { id: 'ada', name: 'Ada Marten', roles: ['approvers', 'incident'], keys: [] },
    { id: 'grace', name: 'Grace Okoro', roles: ['approvers', 'incident'], keys: [] },
    { id: 'rita', name: 'Rita Falk', roles: ['requesters', 'approvers'], keys: [] },
  ],
  roles: {
    requesters: ['import', 'freeze', 'start', 'cancel', 'pause', 'resume', 'retry', 'schedule'],
    approvers: ['approve', 'reject', 'withdraw', 'exclude'],
    incident: [
      'start-emergency',
      'rollback',
      'retry',
      'answer',
      'exclude',
      'pause',
      'resume',
      'cancel',
      'close',
      'release-seat',
      'purge',
      'restore',
      'schedule',
    ],
    oncall: [],
  },
};
