/** Where a simulated node keeps things, below its home. */
export const ROOT_FOLDERS = {
  xcode16: 'Library/Developer/Xcode/UserData/Provisioning Profiles',
  legacy: 'Library/MobileDevice/Provisioning Profiles',
  mount: 'usr/local/var/reseal/mount',
  state: 'usr/local/var/reseal/state',
} as const;
