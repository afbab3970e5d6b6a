/**
 * A running endpoint as commands see it: begin something and hear the events of it, ask what there is, stop. The
 * control socket serves one to other processes, `--foreground` uses one in its own, so both run the same code.
 */
import type { Event } from '../events.ts';
import type { Account } from '../sip/endpoint-config.ts';
import type { Action } from '../sip/endpoint-io.ts';
import { proxyBefore } from '../sip/next-hop.ts';
import { AgentError } from './agent-error.ts';
import type { Seed, Status, Task } from './control-message.ts';
import { type Belongs, ofCalls, ofRegistration } from './exchange.ts';
import { Holdings } from './holdings.ts';
import { isAboutAddresses, OwnAddresses } from './own-addresses.ts';
import { Past } from './past.ts';

/** Something that a command began. */
export interface Exchange {
  /** No more events. A call that is not established yet is hung up: nobody waits for it any more. */
  end(): void;
}

interface Open {
  readonly belongs: Belongs;
  readonly onEvent: (event: Event) => void;
}

/** What a host is told about its endpoint. */
export interface HostOptions {
  readonly kind: 'agent' | 'echo';
  readonly pid: number;
  readonly version: string;
  readonly act: (action: Action) => void;
  /** Those that the endpoint was started with. */
  readonly accounts: readonly Account[];
}

/** One for an endpoint, whoever reaches it. */
export class Host {
  readonly holdings = new Holdings();
  private readonly past = new Past();
  private readonly addresses = new OwnAddresses();
  private watchers = 0;
  private readonly exchanges = new Set<Open>();
  private readonly accounts = new Map<string, Account>();
  /** Addresses of record whose credentials are there for a call, and go with the last one. */
  private readonly passing = new Set<string>();
  /** Addresses of record that were taken back and whose registrar has not answered yet: no call is placed from them. */
  private readonly leaving = new Set<string>();
  private stopping = false;
  private lastMs = 0;
  private lastAt = performance.now();

  constructor(private readonly options: HostOptions) {
    for (const account of options.accounts) this.accounts.set(account.addressOfRecord, account);
  }

  get pid(): number {
    return this.options.pid;
  }
  get kind(): 'agent' | 'echo' {
    return this.options.kind;
  }
  get version(): string {
    return this.options.version;
  }

  /** Every event of the endpoint has to pass. */
  event(event: Event): void {
    this.lastMs = event.atMs;
    this.lastAt = performance.now();
    this.holdings.note(event);
    this.past.note(event);
    this.addresses.note(event);
    if (event.type === 'registration.changed' && event.to === 'unregistered') {
      if (this.holdings.callIdOf(event.account) === undefined) {
        this.accounts.delete(event.account);
        this.leaving.delete(event.account);
      }
    }
    if (event.type === 'call.changed' && event.to === 'terminated') this.dropPassing();
    if (this.exchanges.size === 0) return;
    for (const exchange of [...this.exchanges]) if (exchange.belongs(event)) exchange.onEvent(event);
  }

  /** What there is. */
  status(): Status {
    const { kind, pid, version } = this.options;
    return { kind, pid, version, ...this.holdings.status(this.nowMs) };
  }

  /** By the endpoint's clock. */
  private get nowMs(): number {
    return this.lastMs + performance.now() - this.lastAt;
  }

  /** Whether nothing is held and nobody waits for anything. */
  get idle(): boolean {
    return this.holdings.empty && this.exchanges.size === 0;
  }

  stop(reason: string): void {
    this.stopping = true;
    this.options.act({ type: 'stop', reason });
  }

  /** Begins it; `onEvent` may be called before this returns. Throws an `AgentError` when it cannot begin. */
  begin(task: Task, seed: Seed | undefined, onEvent: (event: Event) => void): Exchange {
    if (this.stopping) throw new AgentError(`The ${this.options.kind} is ending; try again in a moment.`);
    switch (task.type) {
      case 'call':
        return this.place(task, seed, onEvent);
      case 'hangup':
      case 'hold':
      case 'resume':
        this.checkCall(task.call);
        return this.follow(
          ofCalls((handle) => handle === task.call),
          onEvent,
          task,
          seed,
        );
      case 'watch':
        return this.watch(onEvent);
      case 'register':
        return this.follow(() => false, onEvent, task, seed);
      case 'hangup-all': {
        const handles = new Set(this.holdings.handles);
        return this.follow(
          ofCalls((handle) => handles.has(handle)),
          onEvent,
          task,
          seed,
        );
      }
      case 'add-account':
        return this.register(task, seed, onEvent);
      case 'remove-account': {
        const account = this.accountNamed(task.account, true).addressOfRecord;
        if (this.passing.has(account))
          throw new AgentError(`${account} is not registered; a call uses it.`, 2);
        this.leaving.add(account);
        const belongs = ofRegistration(account, this.holdings.callIdOf(account));
        return this.follow(belongs, onEvent, { ...task, account }, seed);
      }
    }
  }

  /** Every event from now on, and first what led to what there is. */
  private watch(onEvent: (event: Event) => void): Exchange {
    const open: Open = { belongs: () => true, onEvent };
    for (const event of this.past.events()) onEvent(event);
    this.exchanges.add(open);
    this.watchers += 1;
    if (this.watchers === 1) this.options.act({ type: 'watch', on: true });
    return {
      end: () => {
        if (!this.exchanges.delete(open)) return;
        this.watchers -= 1;
        if (this.watchers === 0) this.options.act({ type: 'watch', on: false });
      },
    };
  }

  private follow(
    belongs: Belongs,
    onEvent: (event: Event) => void,
    action: Action,
    seed: Seed | undefined,
  ): Exchange {
    const open: Open = { belongs, onEvent };
    this.exchanges.add(open);
    if (seed !== undefined) this.options.act({ type: 'seed', words: seed });
    this.options.act(action);
    return { end: () => void this.exchanges.delete(open) };
  }

  /** The handle is in the first event of a call that began, which comes before `act` returns. */
  private place(
    task: Extract<Task, { type: 'call' }>,
    seed: Seed | undefined,
    onEvent: (event: Event) => void,
  ): Exchange {
    const from = this.callerOf(task.from);
    let handle: string | undefined;
    const own = ofCalls((named) => named === handle);
    const first: Belongs = (event) => {
      if (handle === undefined && event.type === 'call.changed' && event.from === 'idle') handle = event.call;
      return own(event) || isAboutAddresses(event);
    };
    for (const event of this.addresses.told(this.nowMs)) onEvent(event);
    const { from: _named, to, proxy, ...rest } = task;
    const account = from === undefined ? undefined : this.accounts.get(from);
    const action = {
      ...rest,
      ...(proxy === undefined ? {} : { proxy: proxyBefore(account?.server, proxy) }),
      to: this.targetOf(to, from),
      ...(from === undefined ? {} : { from }),
      ...(seed === undefined ? {} : { repeatable: true }),
    };
    const { end } = this.follow(first, onEvent, action, seed);
    return {
      end: () => {
        end();
        const state = handle === undefined ? undefined : this.holdings.callState(handle);
        if (handle !== undefined && (state === 'calling' || state === 'ringing')) {
          this.options.act({ type: 'hangup', call: handle });
        }
      },
    };
  }

  /** A registration that never stood is not tried again behind the back of whoever was told that it failed. */
  private register(
    task: Extract<Task, { type: 'add-account' }>,
    seed: Seed | undefined,
    onEvent: (event: Event) => void,
  ): Exchange {
    const { account } = task;
    if (task.register === false) {
      // Credentials for one call do not take the place of a registration.
      if (this.holdings.registered.includes(account.addressOfRecord)) return { end: () => {} };
      this.passing.add(account.addressOfRecord);
    } else this.passing.delete(account.addressOfRecord);
    // The endpoint goes back to one that stands, when this one comes to nothing.
    const before = this.holdings.standing(account.addressOfRecord)
      ? this.accounts.get(account.addressOfRecord)
      : undefined;
    this.leaving.delete(account.addressOfRecord);
    this.accounts.set(account.addressOfRecord, account);
    let settled = task.register === false;
    const watch = (event: Event) => {
      onEvent(event);
      if (settled || event.type !== 'registration.changed') return;
      if (event.to === 'registering' || event.to === 'idle') return;
      settled = true;
      if (event.to === 'registered' || event.to === 'unregistered') return;
      if (before !== undefined) return void this.accounts.set(account.addressOfRecord, before);
      this.options.act({ type: 'remove-account', account: account.addressOfRecord });
    };
    const own = ofRegistration(account.addressOfRecord);
    if (task.register !== false) for (const event of this.addresses.told(this.nowMs)) onEvent(event);
    // Nothing is said of another try that will not be.
    const action = settled ? task : { ...task, once: true };
    return this.follow((event) => own(event) || isAboutAddresses(event), watch, action, seed);
  }

  private dropPassing(): void {
    if (this.holdings.handles.length > 0) return;
    for (const account of this.passing) {
      this.options.act({ type: 'remove-account', account });
      this.accounts.delete(account);
    }
    this.passing.clear();
  }

  private checkCall(handle: string): void {
    if (this.holdings.callState(handle) !== undefined) return;
    const there = this.holdings.handles;
    const what = there.length === 0 ? 'there are no calls' : `the calls are ${there.join(', ')}`;
    throw new AgentError(`There is no call ${handle}; ${what}.`, 2);
  }

  /** The address of record that a call is placed from; undefined is an anonymous caller. */
  private callerOf(from: string | undefined): string | undefined {
    if (from !== undefined) return this.accountNamed(from).addressOfRecord;
    const all = [...this.accounts.keys()].filter((account) => !this.leaving.has(account));
    if (all.length > 1) {
      throw new AgentError(`Several accounts are registered, choose one with --from: ${all.join(', ')}.`, 2);
    }
    return all[0];
  }

  /** A user alone is one of the caller's domain. */
  private targetOf(to: string, from: string | undefined): string {
    if (/[@:]/.test(to)) return to;
    const domain = from === undefined ? undefined : this.accounts.get(from)?.domain;
    if (domain !== undefined) return `${to}@${domain}`;
    throw new AgentError(`--to ${to} has no domain, and nobody is registered; give ${to}@HOST.`, 2);
  }

  /** `100`, `100@lab.local` or `sip:100@lab.local`. `toEnd`: for who is to end it there is nothing to register first. */
  private accountNamed(name: string, toEnd = false): Account {
    const all = [...this.accounts.values()];
    const bare = name.replace(/^sip:/i, '');
    const named = all.filter(
      ({ addressOfRecord, user }) => user === bare || addressOfRecord.replace(/^sip:/i, '') === bare,
    );
    const [account] = named;
    if (account !== undefined && named.length === 1) return account;
    const addresses = all.map(({ addressOfRecord }) => addressOfRecord).join(', ');
    if (named.length > 1)
      throw new AgentError(`${name} may be one of ${addresses}; give the whole address.`, 2);
    if (toEnd) {
      const kept = all.length === 0 ? 'nobody is registered' : `there is ${addresses}`;
      throw new AgentError(
        `There is no account ${name} here to take back: ${kept}. What another program, or one that was killed, has bound ends when it expires; ringback doctor HOST --user ${bare.split('@')[0]} -v shows it.`,
        2,
      );
    }
    const what =
      all.length === 0
        ? 'nobody is registered; first: ringback register --user'
        : `there is ${addresses}; see: ringback register --user`;
    throw new AgentError(`There is no account ${name}: ${what} ${bare.split('@')[0]} --server HOST`, 2);
  }
}
