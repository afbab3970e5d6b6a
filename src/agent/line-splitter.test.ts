import { expect, test } from 'bun:test';
import { LineTooLong, lineSplitter } from './line-splitter.ts';

test('lines come out whole however they are cut, and empty ones not at all', () => {
  const split = lineSplitter(10);
  expect([...'one\n\ntwo\nthr'].flatMap((character) => split(character))).toEqual(['one', 'two']);
  expect(split('ee\nfour\n')).toEqual(['three', 'four']);
});

test('a line over the bound is a fault, whether its end has come or not', () => {
  expect(() => lineSplitter(10)('12345678901')).toThrow(LineTooLong);
  expect(() => lineSplitter(10)('12345678901\n')).toThrow(LineTooLong);
});
