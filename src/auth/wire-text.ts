/**
 * Text as it stands in a message, one character a byte (latin1), and text for people.
 *
 * Digests are made over bytes (RFC 7616 §4: UTF-8), and the header they stand in is latin1 text of those bytes.
 * Keeping everything that is hashed in that one form leaves no place for a second encoding to slip in.
 */
import { Buffer } from 'node:buffer';

/** "Jäsøn" as the bytes of its UTF-8, one character a byte. */
export function toWire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text that those bytes spell in UTF-8. */
export function fromWire(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
