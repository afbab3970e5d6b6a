/**
 * A session description as text (RFC 8866 §5). What was carried and not understood comes last of its block, in its own
 * order: so that what is mirrored reads the same.
 */
import type { AddressFamily } from './ip-address.ts';
import type { Connection, MediaDescription, Origin, SdpBlock, SessionDescription } from './sdp.ts';

/** The text of a description, in the order of §5, CRLF after every line. */
export function serializeSdp(session: SessionDescription): string {
  let text = `v=0\r\no=${formatOrigin(session.origin)}\r\ns=${session.name}\r\n`;
  if (session.information !== undefined) text += `i=${session.information}\r\n`;
  if (session.uri !== undefined) text += `u=${session.uri}\r\n`;
  for (const email of session.emails) text += `e=${email}\r\n`;
  for (const phone of session.phones) text += `p=${phone}\r\n`;
  if (session.connection !== undefined) text += formatConnection(session.connection);
  for (const value of session.bandwidth) text += `b=${value}\r\n`;
  for (const { type, value } of session.timing) text = `${text}${type}=${value}\r\n`;
  text = withBlockEnd(text, session);
  for (const media of session.media) text = withMedia(text, media);
  return text;
}

/** The text with that media behind it: what is put together in small pieces first costs each piece twice. */
function withMedia(before: string, media: MediaDescription): string {
  const count = media.portCount === undefined ? '' : `/${media.portCount}`;
  let text = `${before}m=${media.kind} ${media.port}${count} ${media.protocol}`;
  for (const format of media.formats) text = `${text} ${format}`;
  text += '\r\n';
  if (media.information !== undefined) text += `i=${media.information}\r\n`;
  if (media.connection !== undefined) text += formatConnection(media.connection);
  for (const value of media.bandwidth) text += `b=${value}\r\n`;
  return withBlockEnd(text, media);
}

function withBlockEnd(before: string, block: SdpBlock): string {
  let text = block.key === undefined ? before : `${before}k=${block.key}\r\n`;
  for (const { name, value } of block.attributes) {
    text = value === undefined ? `${text}a=${name}\r\n` : `${text}a=${name}:${value}\r\n`;
  }
  for (const { type, value } of block.other) text = `${text}${type}=${value}\r\n`;
  return text;
}

function formatType(family: AddressFamily): string {
  return family === 'ipv4' ? 'IP4' : 'IP6';
}

function formatOrigin({ username, sessionId, sessionVersion, family, address }: Origin): string {
  return `${username} ${sessionId} ${sessionVersion} IN ${formatType(family)} ${address}`;
}

function formatConnection({ family, address, suffix }: Connection): string {
  return `c=IN ${formatType(family)} ${address}${suffix === undefined ? '' : `/${suffix}`}\r\n`;
}
