/**
 * The calls that stand, found by handle and by dialog, and their deadlines. One owner: whatever moves a call is a
 * function that is handed this.
 */
import type { MediaCounters } from '../rtp/session.ts';
import type { Call, CallTimer } from './call.ts';
import { CallAudio } from './call-audio.ts';
import type { CoreHeaders } from './core-headers.ts';
import { Deadlines } from './deadlines.ts';
import { type Dialog, dialogKey } from './dialog.ts';
import type { EarlyDialog } from './early-dialog.ts';
import type { EarlyCall } from './early-request.ts';
import { GivenUpTries } from './given-up.ts';
import { callTimers } from './live-timers.ts';
import type { Turn } from './turn.ts';
import type { UserAgent } from './user-agent.ts';

/** All calls, and how to find one: by its handle, its dialog, or a request. What moves a call is given the store. */
export class CallStore {
  readonly audio: CallAudio;
  /** INVITEs that may be answered yet. */
  readonly givenUp = new GivenUpTries();
  /** Those that wait for an RTP port, the first first: few, where all calls may be thousands. */
  readonly withoutPort = new Set<Call>();
  private readonly byHandle = new Map<string, Call>();
  private readonly byDialog = new Map<string, Call>();
  /** Calls that came in, by what their INVITE had before there was a tag of ours. */
  private readonly byInvite = new Map<string, Call>();
  /** Early dialogs of calls that we place. */
  private readonly byEarly = new Map<string, EarlyCall>();
  private readonly deadlines = new Deadlines<Call>();
  /** Calls whose timers changed in this turn, when somebody watches. */
  private readonly retimed = new Set<Call>();

  constructor(
    readonly agent: UserAgent,
    readCounters: (slot: number) => MediaCounters,
  ) {
    this.audio = new CallAudio(agent, readCounters);
  }

  get size(): number {
    return this.byHandle.size;
  }

  nextMs(): number | undefined {
    return this.deadlines.nextMs();
  }

  /** The next deadline of a call whose time has come. */
  takeDue(nowMs: number): { readonly name: CallTimer; readonly owner: Call } | undefined {
    return this.deadlines.takeDue(nowMs) as { name: CallTimer; owner: Call } | undefined;
  }

  all(): IterableIterator<Call> {
    return this.byHandle.values();
  }

  find(handle: string | undefined): Call | undefined {
    return handle === undefined ? undefined : this.byHandle.get(handle);
  }

  /** The call of an in-dialog request (§12.2.2): To carries our tag, From the peer's. */
  findByRequest(core: CoreHeaders): Call | undefined {
    return core.toTag === undefined
      ? undefined
      : this.byDialog.get(dialogKey(core.callId, core.toTag, core.fromTag ?? ''));
  }

  findByDialog({ key }: Dialog): Call | undefined {
    return this.byDialog.get(key);
  }

  /** The call of a request in a dialog that is early, and that one. */
  findEarly(core: CoreHeaders): EarlyCall | undefined {
    if (core.toTag === undefined) return undefined;
    const found = this.byEarly.get(dialogKey(core.callId, core.toTag, core.fromTag ?? ''));
    return found?.early.dialog.state === 'early' ? found : undefined;
  }

  /** The call of an INVITE that comes a second time by another way: a proxy forked it and both ways lead here. */
  findMerged(inviteKey: string, core: CoreHeaders): Call | undefined {
    const call = this.byInvite.get(inviteKey);
    return call?.dialog?.remoteSequence === core.cseq.number ? call : undefined;
  }

  add(call: Call): void {
    this.byHandle.set(call.handle, call);
    if (call.inviteKey !== undefined) this.byInvite.set(call.inviteKey, call);
  }

  /** Once a call has its dialog it is found by it. */
  addDialog(call: Call): void {
    const { dialog } = call;
    if (dialog !== undefined) this.byDialog.set(dialog.key, call);
  }

  /** A phone rings: what it asks in its early dialog is for that call. */
  addEarly(call: Call, early: EarlyDialog): void {
    this.byEarly.set(early.dialog.key, { call, early });
  }

  /** Forgets the phones that one try of a call has rung. */
  forgetEarly({ outgoing }: Call): void {
    for (const early of outgoing?.early.values() ?? []) this.byEarly.delete(early.dialog.key);
    outgoing?.early.clear();
  }

  /** Forgets a call, its dialog and its deadlines. */
  remove(call: Call): void {
    this.agent.transport.sources.release(call.heldFor);
    call.heldFor = undefined;
    this.forgetDialog(call);
    for (const early of call.outgoing?.early.values() ?? []) this.byEarly.delete(early.dialog.key);
    this.givenUp.forget(call);
    this.byHandle.delete(call.handle);
    const { inviteKey } = call;
    if (inviteKey !== undefined && this.byInvite.get(inviteKey) === call) this.byInvite.delete(inviteKey);
    for (const name in call.timers) {
      // A re-INVITE that our BYE overtook still gets its final response (§15.1.2), or is given up.
      if (name === 'change timeout' && call.change?.open === true) continue;
      this.disarm(call, name as CallTimer);
    }
  }

  private forgetDialog(call: Call): void {
    const { dialog } = call;
    if (dialog !== undefined) this.byDialog.delete(dialog.key);
  }

  arm(turn: Turn, call: Call, name: CallTimer, inMs: number): void {
    this.disarm(call, name);
    if (name === 'port') this.withoutPort.add(call);
    call.timers[name] = this.deadlines.arm(turn.nowMs + inMs, name, call);
  }

  /** The timers of the calls that this turn moved. */
  reportTimers(turn: Turn): void {
    for (const call of this.retimed) turn.emit(callTimers(call, turn.nowMs));
    this.retimed.clear();
  }

  disarm(call: Call, name: CallTimer): void {
    if (this.agent.transactions.liveTimers) this.retimed.add(call);
    if (name === 'port') this.withoutPort.delete(call);
    const running = call.timers[name];
    if (running === undefined) return;
    this.deadlines.disarm(running);
    call.timers[name] = undefined;
  }
}
