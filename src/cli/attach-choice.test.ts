/** Whose screen `ringback attach` opens. */
import { expect, test } from 'bun:test';
import type { Status } from '../agent/control-message.ts';
import { chooseProcess } from './attach-choice.ts';

const process = (kind: Status['kind'], pid: number, about: Partial<Status> = {}): Status => ({
  kind,
  pid,
  version: '0.1.0',
  startedAt: '',
  listeners: [],
  registrations: [],
  calls: [],
  ...about,
});
const registered = {
  registrations: [{ account: 'sip:100@lab.local', state: 'registered', sinceS: 1 } as const],
};
const inCall = {
  calls: [{ call: 'c', direction: 'incoming', peer: 'sip:a', state: 'established', sinceS: 1 } as const],
};
const chosen = (all: readonly Status[], pid?: number) => chooseProcess(all, pid).pid;

test('the only one is meant, with anything to see or without; an idle agent beside an echo is not', () => {
  expect(chosen([process('agent', 1)])).toBe(1);
  expect(chosen([process('agent', 1), process('echo', 2)])).toBe(2);
  expect(chosen([process('agent', 1), process('echo', 2, inCall)])).toBe(2);
});

test('of two that have something, one has to be named, and is told what each has', () => {
  const all = [process('agent', 1, registered), process('echo', 2, { ...registered, ...inCall })];
  expect(() => chosen(all)).toThrow(
    'Choose one with --process PID: there is agent 1 with 1 registration, echo 2 with 1 call and 1 registration.',
  );
  expect(chosen(all, 1)).toBe(1);
  expect(() => chosen([process('echo', 2), process('echo', 3)])).toThrow('echo 2, echo 3');
});

test('who is not there is said, with those who are; and that nobody is', () => {
  expect(() => chosen([process('echo', 2)], 7)).toThrow(
    'There is no ringback with process 7; there is echo 2.',
  );
  expect(() => chosen([])).toThrow('Nothing is running');
});
