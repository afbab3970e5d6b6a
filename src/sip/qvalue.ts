/** How much something is wanted: `q` in Accept, Accept-Encoding and the like (RFC 3261 §25.1 qvalue). */

/** Whether a quality says "not at all": 0, 0.0, 0.00, 0.000. One that is absent or malformed says nothing. */
export function isZero(quality: string | undefined): boolean {
  return quality !== undefined && /^0(?:\.0{0,3})?$/.test(quality);
}
