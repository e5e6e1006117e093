/** Below a bundle: the file that is left where a signature would be, and there is none, since rcodesign is missing. */
export const STAND_IN_FILE = '_CodeSignature/unsigned-stand-in';

/** What it says. @param identity SHA-1 of the certificate, `-` for none */
export const standInText = (identity: string): string =>
  `not signed: rcodesign is not there; the identity ${identity} could have been used\n`;
