/** The version, as `--version` prints it and as it stands in User-Agent and Server. */
import packageJson from '../../package.json' with { type: 'json' };

/** Set by build.ts (`define`); not there when the sources are run. */
declare const RINGBACK_COMMIT: string | undefined;

/** "0.1.0". */
export const VERSION: string = packageJson.version;

/** `ringback/0.1.0`, a product token of RFC 3261 §20.41. */
export const PRODUCT = `ringback/${VERSION}`;

/** "ringback 0.1.0 (f60364e)", without the commit when the sources are run. */
export function versionLine(): string {
  const commit = typeof RINGBACK_COMMIT === 'undefined' ? '' : ` (${RINGBACK_COMMIT})`;
  return `ringback ${VERSION}${commit}`;
}
