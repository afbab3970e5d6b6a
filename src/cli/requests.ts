/**
 * Requests on stdin, one a line, for a program that holds `ringback echo --json` by its two ends: `hangup CALL`,
 * `hold CALL`, `resume CALL`, `call TARGET`, `hangup-all`, `register`, `stop`: all that the screen's keys can do. A terminal is not read: there Ctrl-C stops, and keys belong to the screen.
 */
import { createInterface } from 'node:readline';
import type { Action } from '../sip/endpoint-io.ts';

/** The request in a line; undefined for an empty one, a sentence for one that is not understood. */
export function readRequest(line: string): Action | string | undefined {
  const [word = '', argument, ...more] = line.trim().split(/\s+/);
  if (word === '') return undefined;
  if (argument !== undefined && more.length === 0) {
    if (word === 'hangup' || word === 'hold' || word === 'resume') return { type: word, call: argument };
    if (word === 'call') return { type: 'call', to: argument };
  }
  if (argument === undefined) {
    if (word === 'hangup-all' || word === 'register') return { type: word };
    if (word === 'stop') return { type: 'stop', reason: 'asked on stdin' };
  }
  return `stdin: expected hangup CALL, hold CALL, resume CALL, call TARGET, hangup-all, register or stop, not ${JSON.stringify(line.slice(0, 80))}.`;
}

/** Reads stdin until it ends, which ends nothing else. */
export function readRequests(
  act: (action: Action) => void,
  stop: (reason: string) => void,
  warn: (sentence: string) => void,
): void {
  if (process.stdin.isTTY) return;
  process.stdin.on('error', () => {});
  createInterface({ input: process.stdin }).on('line', (line) => {
    const request = readRequest(line);
    if (request === undefined) return;
    if (typeof request === 'string') warn(request);
    else if (request.type === 'stop') stop(request.reason);
    else act(request);
  });
}
