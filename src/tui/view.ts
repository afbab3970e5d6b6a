/**
 * What the person looks at, and what a key changes about it. Pure: a key gives the next view and what is to be
 * asked of the engine, so that a test can press keys without a terminal.
 */
import { talkedMs } from './call-facts.ts';
import { ORDERS, type Order, orderedCalls } from './call-order.ts';
import { peerName } from './call-table.ts';
import { type Command, commandOf, type Place } from './keys.ts';
import { isShown, LOG_KINDS, type LogKind } from './log-line.ts';
import type { LogEntry, Model } from './model.ts';

/** What the screen asks of whoever runs it: the first five are actions of the engine. */
export type Wish =
  | { readonly type: 'hangup'; readonly call: string }
  | { readonly type: 'hangup-all' }
  | { readonly type: 'register' }
  | { readonly type: 'call'; readonly to: string }
  | { readonly type: 'hold' | 'resume'; readonly call: string }
  | { readonly type: 'export'; readonly call: string; readonly file: string }
  | { readonly type: 'quit' };

/** A question that waits for y or n. */
interface Question {
  readonly text: string;
  readonly wish: Wish;
}

/** Text that is being typed. */
interface Prompt {
  readonly kind: 'call' | 'calls filter' | 'log filter' | 'export';
  readonly text: string;
  /** Of an export: the call. */
  readonly call?: string;
}

/** Never changed in place: each key makes the next one. */
export interface View {
  readonly page: 'main' | 'call' | 'message' | 'entry';
  readonly pane: 'calls' | 'log';
  readonly help: boolean;
  /** The handle of the chosen call. Undefined: the first one. */
  readonly chosen: string | undefined;
  readonly order: Order;
  readonly callsFilter: string;
  readonly logFilter: string;
  readonly kind: LogKind;
  /** The number of the log entry at the bottom; undefined while the log follows its end. */
  readonly logAt: number | undefined;
  /** The chosen entry of the call's ladder, by its place from the newest (0); and the first line that is shown. */
  readonly ladderAt: number;
  readonly scroll: number;
  /** The entry of the log that is open: one that belongs to no call. */
  readonly opened: LogEntry | undefined;
  readonly prompt: Prompt | undefined;
  readonly question: Question | undefined;
  readonly paused: boolean;
  /** Leaving the screen ends the calls; otherwise somebody else holds them. */
  readonly endsCalls: boolean;
  /** A sentence for the person, until the next key. */
  readonly notice: string | undefined;
}

/** What one sees first. */
export const FIRST_VIEW: View = {
  page: 'main',
  pane: 'calls',
  help: false,
  chosen: undefined,
  order: 'newest',
  callsFilter: '',
  logFilter: '',
  kind: 'all',
  logAt: undefined,
  ladderAt: 0,
  scroll: 0,
  opened: undefined,
  prompt: undefined,
  question: undefined,
  paused: false,
  endsCalls: true,
  notice: undefined,
};

/** What a key gave. */
export interface Pressed {
  readonly view: View;
  readonly wish?: Wish;
}

/** Longest text that can be typed. */
const MAX_PROMPT = 256;

/** One key. `rows` is how many lines a page of the current pane has. */
export function press(view: View, key: string, model: Model, rows: number): Pressed {
  if (view.question !== undefined) return answer(view, view.question, key);
  if (view.prompt !== undefined) return { ...type(view, view.prompt, key) };
  if (view.help) return { view: { ...view, help: false } };
  const quiet: View = view.notice === undefined ? view : { ...view, notice: undefined };
  const command = commandOf(key, placeOf(view));
  if (command === undefined) {
    // Esc on the main page leads nowhere but out of a filter.
    if (key === 'esc') return { view: { ...quiet, callsFilter: '', logFilter: '', logAt: undefined } };
    return { view: quiet };
  }
  return obey(quiet, command, model, Math.max(1, rows));
}

/** Where the keys go. */
export function placeOf(view: View): Place {
  return view.page === 'main' ? view.pane : view.page;
}

/** The call that keys are about: the chosen one while it is there, else the first. */
export function chosenCall(view: View, model: Model) {
  const chosen = view.chosen === undefined ? undefined : model.calls.get(view.chosen);
  if (view.page !== 'main') return chosen;
  const shown = orderedCalls(model, view.order, view.callsFilter);
  return chosen !== undefined && shown.includes(chosen) ? chosen : shown[0];
}

/** The log entries that are shown, oldest first. */
export function shownLog(view: View, model: Model): readonly LogEntry[] {
  if (view.kind === 'all' && view.logFilter === '') return [...model.log];
  return [...model.log].filter(({ event }) => isShown(event, view.kind, view.logFilter));
}

function answer(view: View, question: Question, key: string): Pressed {
  const asked = { ...view, question: undefined };
  // Who presses Ctrl-C twice means it.
  const twice = key === 'ctrl-c' && question.wish.type === 'quit';
  if (twice || key === 'y' || key === 'Y') return { view: asked, wish: question.wish };
  return { view: { ...asked, notice: 'Nothing was done.' } };
}

function type(view: View, prompt: Prompt, key: string): Pressed {
  const next = (text: string): View => withPrompt(view, { ...prompt, text });
  if (key === 'esc' || key === 'ctrl-c') return { view: withPrompt(view, undefined, prompt.kind, '') };
  if (key === 'enter') {
    const text = prompt.text.trim();
    const done: View = { ...view, prompt: undefined };
    if (text === '') return { view: done };
    if (prompt.kind === 'call') return { view: done, wish: { type: 'call', to: text } };
    if (prompt.kind !== 'export' || prompt.call === undefined) return { view: done };
    return { view: done, wish: { type: 'export', call: prompt.call, file: text } };
  }
  if (key === 'backspace') return { view: next([...prompt.text].slice(0, -1).join('')) };
  if (key === 'ctrl-u') return { view: next('') };
  // A key with a name is no text.
  return [...key].length === 1 ? { view: next((prompt.text + key).slice(0, MAX_PROMPT)) } : { view };
}

/** A filter works while it is typed. */
function withPrompt(
  view: View,
  prompt: Prompt | undefined,
  kind = prompt?.kind,
  text = prompt?.text ?? '',
): View {
  if (kind === 'calls filter') return { ...view, prompt, callsFilter: text };
  if (kind === 'log filter') return { ...view, prompt, logFilter: text, logAt: undefined };
  return { ...view, prompt };
}

function obey(view: View, command: Command, model: Model, rows: number): Pressed {
  const call = chosenCall(view, model);
  switch (command) {
    case 'up':
      return { view: move(view, model, -1) };
    case 'down':
      return { view: move(view, model, 1) };
    case 'page-up':
      return { view: move(view, model, -rows) };
    case 'page-down':
      return { view: move(view, model, rows) };
    case 'top':
      return { view: move(view, model, Number.NEGATIVE_INFINITY) };
    case 'end':
      return { view: move(view, model, Number.POSITIVE_INFINITY) };
    case 'open':
      return { view: open(view, model, rows) };
    case 'back':
      return {
        view: view.page === 'message' ? { ...view, page: 'call', scroll: 0 } : { ...view, page: 'main' },
      };
    case 'next-pane':
      return { view: { ...view, pane: view.pane === 'calls' ? 'log' : 'calls' } };
    case 'help':
      return { view: { ...view, help: true } };
    case 'pause':
      return { view: { ...view, paused: !view.paused } };
    case 'sort':
      return { view: { ...view, order: after(ORDERS, view.order) } };
    case 'kind':
      return { view: { ...view, kind: after(LOG_KINDS, view.kind), logAt: undefined } };
    case 'filter':
      return view.pane === 'calls'
        ? { view: { ...view, prompt: { kind: 'calls filter', text: view.callsFilter } } }
        : { view: { ...view, prompt: { kind: 'log filter', text: view.logFilter } } };
    case 'call':
      return { view: { ...view, prompt: { kind: 'call', text: '' } } };
    case 'register':
      return { view: { ...view, notice: 'Registering again.' }, wish: { type: 'register' } };
    case 'hang-up':
      if (call === undefined || call.endedMs !== undefined) return { view: nothingToHangUp(view) };
      return ask(view, `Hang up ${peerName(call)} (${call.handle})?`, { type: 'hangup', call: call.handle });
    case 'hang-up-all':
      if (model.live === 0) return { view: nothingToHangUp(view) };
      return ask(view, `Hang up all ${model.live} calls?`, { type: 'hangup-all' });
    case 'hold':
      if (call === undefined || talkedMs(call, model.nowMs) === undefined || call.endedMs !== undefined) {
        return { view: { ...view, notice: 'Only a call that stands can be held.' } };
      }
      return { view, wish: { type: call.state === 'held' ? 'resume' : 'hold', call: call.handle } };
    case 'export':
      if (call === undefined) return { view: { ...view, notice: 'There is no call to write down.' } };
      return { view: { ...view, prompt: { kind: 'export', text: `${call.handle}.md`, call: call.handle } } };
    case 'quit':
      if (model.live === 0 || !view.endsCalls) return { view, wish: { type: 'quit' } };
      return ask(view, `Leave, and end ${model.live === 1 ? 'the call' : `all ${model.live} calls`}?`, {
        type: 'quit',
      });
  }
}

function nothingToHangUp(view: View): View {
  return { ...view, notice: 'There is no call to hang up.' };
}

function ask(view: View, text: string, wish: Wish): Pressed {
  return { view: { ...view, question: { text, wish } } };
}

function after<T>(of: readonly T[], one: T): T {
  return of[(of.indexOf(one) + 1) % of.length] ?? one;
}

/** So many lines down, or up when negative. */
function move(view: View, model: Model, by: number): View {
  if (view.page === 'message' || view.page === 'entry') {
    return { ...view, scroll: Math.max(0, view.scroll + clamp(by)) };
  }
  if (view.page === 'call') {
    const last = Math.max(0, (chosenCall(view, model)?.ladder.length ?? 0) - 1);
    return { ...view, ladderAt: between(view.ladderAt - clamp(by), 0, last) };
  }
  if (view.pane === 'log') return moveLog(view, model, by);
  const calls = orderedCalls(model, view.order, view.callsFilter);
  const chosen = chosenCall(view, model);
  const place = chosen === undefined ? 0 : calls.indexOf(chosen);
  return { ...view, chosen: calls[between(place + clamp(by), 0, calls.length - 1)]?.handle };
}

function moveLog(view: View, model: Model, by: number): View {
  const log = shownLog(view, model);
  const last = log.length - 1;
  const here =
    view.logAt === undefined ? last : log.findLastIndex(({ number }) => number <= (view.logAt ?? 0));
  const next = between(Math.max(0, here) + clamp(by), 0, last);
  return { ...view, logAt: next >= last ? undefined : log[next]?.number };
}

/** Enter: the call's page, the call of the log's line or that line in full, or the message of the ladder. */
function open(view: View, model: Model, _rows: number): View {
  if (view.page === 'call') return { ...view, page: 'message', scroll: 0 };
  if (view.pane === 'calls') {
    const call = chosenCall(view, model);
    return call === undefined ? view : { ...view, page: 'call', chosen: call.handle, ladderAt: 0, scroll: 0 };
  }
  const log = shownLog(view, model);
  const entry =
    view.logAt === undefined ? log.at(-1) : log.findLast(({ number }) => number <= (view.logAt ?? 0));
  const handle = entry !== undefined && 'call' in entry.event ? entry.event.call : undefined;
  if (handle === undefined || !model.calls.has(handle)) {
    return entry === undefined ? view : { ...view, page: 'entry', opened: entry, scroll: 0 };
  }
  return { ...view, page: 'call', chosen: handle, ladderAt: 0, scroll: 0 };
}

/** Infinity would make NaN of a place. */
function clamp(by: number): number {
  return between(by, -1e9, 1e9);
}

function between(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
