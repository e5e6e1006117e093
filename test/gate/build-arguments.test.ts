import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { GatedNode } from './gated-node.js';

let mac: Mac;
let node: GatedNode;
let expecting: readonly string[];
beforeAll(async () => {
  mac = await simulatedMac();
  const old = await mac.issue();
  mac.importReady(old);
  node = await GatedNode.settled(mac, old, await mac.issue());
  expecting = node.expecting();
});
afterAll(() => mac.dispose());

const UUID = '753bad01-23c2-521a-b90e-d56f6e4bb7e8';
const SETTINGS = `/usr/local/var/reseal/mount/ios-main/settings/${'a'.repeat(64)}/app-store/reseal.xcconfig`;

describe('the gate on the arguments of a build (S14)', () => {
  it.each([
    [['xcodebuild', '-allowProvisioningUpdates', 'archive'], '-allowProvisioningUpdates'],
    [['xcodebuild', '-allowProvisioningDeviceRegistration'], '-allowProvisioningDeviceRegistration'],
    [['fastlane', 'gym', 'xcargs:-allowProvisioningUpdates'], 'xcargs:-allowProvisioningUpdates'],
    [['CODE_SIGN_STYLE=Automatic', `PROVISIONING_PROFILE_SPECIFIER=${UUID}`], 'CODE_SIGN_STYLE=Automatic'],
    [['CODE_SIGN_STYLE[sdk=iphoneos*]=automatic', '-xcconfig', SETTINGS], 'CODE_SIGN_STYLE[sdk=iphoneos*]=automatic'],
    [['RESEAL_PROFILE_Courier=x', 'CODE_SIGN_STYLE=Automatic'], 'CODE_SIGN_STYLE=Automatic beside RESEAL_PROFILE_Courier=x'],
    [['fastlane', 'match', 'appstore'], 'match appstore'],
    [['bundle', 'exec', 'fastlane', 'sigh', '--force'], 'sigh --force'],
    [['match(type: "appstore", readonly: false)'], 'match('],
    [['match(type: "appstore", readonly: is_ci)'], 'match('],
    [['fastlane', 'match', '--readonly', 'false'], 'match --readonly false'],
    [['fastlane', 'match', 'appstore', '&&', 'fastlane', 'sigh', '--readonly'], 'match appstore'],
  ])('refuses %j and names the argument', async (given, named) => {
    const answer = await node.gate([...expecting, '--', ...given]);
    expect(answer.exit).toBe(1);
    expect(answer.log.reasons).toHaveLength(1);
    expect(answer.log.reasons[0]).toMatchObject({ check: 'build-arguments' });
    expect(answer.log.reasons[0]?.found).toContain(named);
  });

  it.each([
    [['xcodebuild', '-xcconfig', SETTINGS, '-scheme', 'match', 'archive']],
    [['xcodebuild', 'CODE_SIGN_STYLE=Automatic']],
    [['CODE_SIGN_STYLE=Manual', `PROVISIONING_PROFILE_SPECIFIER=${UUID}`]],
    [['fastlane', 'match', 'appstore', '--readonly']],
    [['match(type: "appstore", readonly: true)']],
    [['MATCH_READONLY=true', 'fastlane', 'match', 'appstore']],
  ])('takes %j', async (given) => {
    expect((await node.gate([...expecting, '--', ...given])).log).toMatchObject({ verdict: 'pass', findings: [] });
  });

  it('divides one text as a shell would, without expanding anything', async () => {
    const answer = await node.gate([
      ...expecting,
      '--build-args',
      `archive "PROVISIONING_PROFILE_SPECIFIER=$(id) x" 'CODE_SIGN_STYLE=Automatic'`,
    ]);
    expect(answer.log.reasons.map((one) => one.found)).toEqual(['CODE_SIGN_STYLE=Automatic beside PROVISIONING_PROFILE_SPECIFIER=$(id) x']);
  });

  it('takes the environment of fastlane into account, and reports a profile that is named by its name', async () => {
    const lane = [...expecting, '--', 'fastlane', 'match', 'appstore'];
    expect((await node.gate(lane, { MATCH_READONLY: 'true' })).exit).toBe(0);
    const named = await node.gate([...expecting, '--', 'PROVISIONING_PROFILE_SPECIFIER=Courier App Store']);
    expect(named.exit).toBe(0);
    expect(named.log.findings).toEqual([expect.stringContaining('names a profile by name')]);
  });
});
