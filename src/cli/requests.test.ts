import { expect, test } from 'bun:test';
import { readRequest } from './requests.ts';

test('a line on stdin is a request', () => {
  expect(readRequest(' hangup  call-1-2-001 ')).toEqual({ type: 'hangup', call: 'call-1-2-001' });
  expect(readRequest('hold call-1')).toEqual({ type: 'hold', call: 'call-1' });
  expect(readRequest('resume call-1')).toEqual({ type: 'resume', call: 'call-1' });
  expect(readRequest('call sip:a@b')).toEqual({ type: 'call', to: 'sip:a@b' });
  expect(readRequest('hangup-all')).toEqual({ type: 'hangup-all' });
  expect(readRequest('register')).toEqual({ type: 'register' });
  expect(readRequest('stop')).toEqual({ type: 'stop', reason: 'asked on stdin' });
  expect(readRequest('')).toBeUndefined();
});

test('a line that is no request is answered with what would be one', () => {
  for (const line of ['hangup', 'hangup a b', 'stop now', 'STOP', 'x\u001b[2J']) {
    const said = readRequest(line);
    expect(said).toBeString();
    expect(said).not.toContain('\u001b');
  }
});
