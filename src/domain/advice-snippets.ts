import type { RowName } from './advice-rows.js';

/**
 * A `topology.yaml` for each planning row, to begin with: the very files of `examples/topologies/`, which a test holds. Stores, sources and
 * persons in them are names of reseal.yaml and roster.yaml.
 */
export const TOPOLOGY_SNIPPETS: Readonly<Record<RowName, string>> = {
  'dedicated-signer': `schemaVersion: 1
installation: acme-prod
lines:
  ios-main:
    identity: signers # the key is on signers alone; builds hand them finished archives
    distribution: copy
    profilesOn: [signer]
    store: main
    sources: [drop]
    successorOwner: alice
    keychains:
      unlockWindows: [{ days: [mon, tue, wed, thu, fri], from: '06:00', to: '22:00', zone: Europe/Berlin }]
      onUnlockFailure: [retry, another-signer, page]
defaults: { lines: [ios-main], region: eu-west, image: tahoe-26.1-b4 }
nodes:
  - { name: ams-sign-1, roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2 }
  - { name: ams-sign-2, roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2 }
  - { name: ams-build-1 }
  - { name: ams-build-2 }
pipelines:
  - { name: courier-release, bundles: [com.acme.courier, com.acme.courier.notify] }
`,
  'controlled-distribution': `schemaVersion: 1
installation: acme-prod
lines:
  ios-main:
    identity: signers
    distribution: mount # read-only on every node; only the publisher writes
    publisher: ams-publish-1
    cacheTime: 60s # measure it: how long a node may still read what was there before
    profilesOn: [signer, compile]
    store: main
    sources: [drop]
    successorOwner: alice
    keychains:
      unlockWindows: [{ days: [mon, tue, wed, thu, fri], from: '06:00', to: '22:00', zone: Europe/Berlin }]
      onUnlockFailure: [retry, another-signer, page]
defaults: { lines: [ios-main], image: tahoe-26.1-b4 }
nodes: # over SSH: one worker has to reach the publisher and the node, to move a pointer and to prove it
  - {
      name: ams-publish-1,
      region: eu-west,
      roles: [publisher],
      image: tahoe-26.1-publish-b1,
      reach: { kind: ssh, host: ams-publish-1.mesh.acme.example, user: reseal },
    }
  - {
      name: ams-sign-1,
      region: eu-west,
      roles: [signer],
      keys: allowed,
      image: tahoe-26.1-sign-b2,
      reach: { kind: ssh, host: ams-sign-1.mesh.acme.example, user: reseal },
    }
  - {
      name: ams-sign-2,
      region: eu-west,
      roles: [signer],
      keys: allowed,
      image: tahoe-26.1-sign-b2,
      reach: { kind: ssh, host: ams-sign-2.mesh.acme.example, user: reseal },
    }
  - { name: ams-build-1, region: eu-west, reach: { kind: ssh, host: ams-build-1.mesh.acme.example, user: reseal } }
  - { name: ams-build-2, region: eu-west, reach: { kind: ssh, host: ams-build-2.mesh.acme.example, user: reseal } }
  - {
      name: iad-sign-1,
      region: us-east,
      roles: [signer],
      keys: allowed,
      image: tahoe-26.1-sign-b2,
      reach: { kind: ssh, host: iad-sign-1.mesh.acme.example, user: reseal },
    }
  - {
      name: iad-sign-2,
      region: us-east,
      roles: [signer],
      keys: allowed,
      image: tahoe-26.1-sign-b2,
      reach: { kind: ssh, host: iad-sign-2.mesh.acme.example, user: reseal },
    }
  - { name: iad-build-1, region: us-east, reach: { kind: ssh, host: iad-build-1.mesh.acme.example, user: reseal } }
  - { name: iad-build-2, region: us-east, reach: { kind: ssh, host: iad-build-2.mesh.acme.example, user: reseal } }
pipelines:
  - { name: courier-release, bundles: [com.acme.courier, com.acme.courier.notify] }
  - { name: depot-release, bundles: [com.acme.depot] }
`,
  'hsm-sidecar': `schemaVersion: 1
installation: acme-prod
lines:
  ios-main:
    identity: sidecar # no key on any disk: nodes hold an alias, and ask the sidecar to sign
    sidecar: { socket: /usr/local/var/reseal/sidecar/socket } # on the node itself
    distribution: copy
    profilesOn: [signer, compile]
    store: main
    sources: [drop]
    successorOwner: alice
defaults: { lines: [ios-main], image: tahoe-26.1-b4, keys: forbidden }
nodes:
  - { name: ams-sign-1, region: eu-west, roles: [signer], image: tahoe-26.1-sign-b2 }
  - { name: ams-sign-2, region: eu-west, roles: [signer], image: tahoe-26.1-sign-b2 }
  - { name: ams-build-1, region: eu-west }
  - { name: ams-build-2, region: eu-west }
  - { name: iad-sign-1, region: us-east, roles: [signer], image: tahoe-26.1-sign-b2 }
  - { name: iad-sign-2, region: us-east, roles: [signer], image: tahoe-26.1-sign-b2 }
  - { name: iad-build-1, region: us-east }
  - { name: iad-build-2, region: us-east }
pipelines:
  - { name: courier-release, bundles: [com.acme.courier, com.acme.courier.notify] }
  - { name: depot-release, bundles: [com.acme.depot] }
`,
  'isolated-pools': `schemaVersion: 1
installation: acme-prod
lines:
  courier-apps:
    identity: signers
    distribution: copy
    profilesOn: [signer]
    store: courier
    sources: [courier] # a drop folder of its own: profiles with this project's prefix only
    successorOwner: alice
  depot-apps:
    identity: signers
    distribution: copy
    profilesOn: [signer]
    store: depot
    sources: [depot] # a drop folder of its own: profiles with this project's prefix only
    successorOwner: emil
defaults: { region: eu-west, image: tahoe-26.1-b4 }
nodes:
  - { name: courier-sign-1, pool: courier, lines: [courier-apps], roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2 }
  - { name: courier-sign-2, pool: courier, lines: [courier-apps], roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2 }
  - { name: courier-build-1, pool: courier, lines: [courier-apps] }
  - { name: depot-sign-1, pool: depot, lines: [depot-apps], roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2 }
  - { name: depot-sign-2, pool: depot, lines: [depot-apps], roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2 }
  - { name: depot-build-1, pool: depot, lines: [depot-apps] }
pipelines:
  - { name: courier-release, bundles: [com.acme.courier, com.acme.courier.notify] }
  - { name: depot-release, bundles: [com.acme.depot] }
`,
};
