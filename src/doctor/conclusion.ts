/**
 * The verdict at the end: will calls work from here, and if not, what is in the way first.
 *
 * A finding alone does not decide: a transport that is closed does no harm where another one answers, and a machine
 * without a server to check has nothing to fail but itself.
 */
import type { Transport } from '../sip/flow.ts';
import { CHECKS, type CheckName, type Finding } from './check.ts';

/** What all findings come to. */
export interface Conclusion {
  readonly verdict: 'works' | 'limited' | 'fails';
  readonly summary: string;
  readonly next?: string;
  /** Which exit code it is: 0, 3 or 6. */
  readonly fault: 'none' | 'credentials' | 'network';
}

/** What makes calls fail, the first thing first: who has no address need not look at the password. */
const IN_THE_WAY = ['addresses', 'sip-port', 'rtp-ports', 'dns', 'local-address'] as const;
/** Of what could not be found out, this is worth a word. */
const MATTERS: ReadonlySet<string> = new Set(['credentials', 'certificate', 'dns']);

/** What calls go by. */
export interface Way {
  /** In words. */
  readonly server: string;
  /** The transports that the settings and DNS lead to. */
  readonly wanted: readonly Transport[];
}

/** `way` is absent when the machine alone was checked. */
export function conclude(findings: readonly Finding[], way: Way | undefined): Conclusion {
  const of = (name: CheckName) => findings.find(({ check }) => check === name);
  const server = way?.server;
  for (const name of IN_THE_WAY) {
    const found = of(name);
    if (found?.verdict === 'failed') return fails(found, server, 'network');
  }
  const weak = inOrder(findings).filter(({ verdict }) => verdict === 'warning' || verdict === 'failed');
  if (way === undefined) return alone(weak);
  const reached = way.wanted.flatMap((name) => of(name) ?? []);
  const answers = reached.some(({ verdict }) => verdict === 'ok' || verdict === 'warning');
  if (!answers) {
    const certificate = of('certificate');
    const unproven = certificate?.verdict === 'failed';
    const failed = reached.filter(({ verdict }) => verdict === 'failed');
    // TLS says in a few words what is wrong with the certificate, which says what to do about it.
    const broken = (unproven ? failed.find(({ check }) => check === 'tls') : undefined) ?? failed[0];
    const next = unproven ? certificate.next : broken?.next;
    if (broken !== undefined) {
      return fails({ ...broken, ...(next === undefined ? {} : { next }) }, server, 'network');
    }
    const summary = `whether ${way.server} answers was not found out`;
    return { verdict: 'fails', summary, next: 'run it again', fault: 'network' };
  }
  // Transports that a bad certificate shuts off are none that answer: see reach.ts.
  const credentials = of('credentials');
  if (credentials?.verdict === 'failed') return fails(credentials, server, 'credentials');
  const calls = `calls by way of ${way.server}`;
  if (weak.length > 0) return limited(weak, `${calls} should work from here`);
  const open = inOrder(findings).filter(({ check, verdict }) => verdict === 'unknown' && MATTERS.has(check));
  const rest = open.length === 0 ? '' : `; not found out: ${open.map(({ check }) => check).join(', ')}`;
  return { verdict: 'works', summary: `${calls} will work from here${rest}`, fault: 'none' };
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return CHECKS.flatMap((name) => findings.filter(({ check }) => check === name));
}

function fails(finding: Finding, server: string | undefined, fault: Conclusion['fault']): Conclusion {
  const calls = server === undefined ? 'calls' : `calls by way of ${server}`;
  const summary = `${calls} will not work from here: ${finding.check}: ${finding.evidence}`;
  return { verdict: 'fails', summary, ...nextOf(finding), fault };
}

function limited(weak: readonly Finding[], hope: string): Conclusion {
  const [worst] = weak;
  const more = weak.length > 1 ? ` and ${weak.length - 1} more` : '';
  const summary = `${hope}, with a weak spot: ${worst?.check}${more}`;
  return { verdict: 'limited', summary, ...nextOf(worst), fault: 'none' };
}

/** Nothing but the machine was looked at. */
function alone(weak: readonly Finding[]): Conclusion {
  const more = 'name a server to check the way there';
  if (weak.length > 0) return limited(weak, 'this machine can take calls');
  return { verdict: 'works', summary: `this machine is ready for calls; ${more}`, fault: 'none' };
}

function nextOf(finding: Finding | undefined): { readonly next?: string } {
  return finding?.next === undefined ? {} : { next: finding.next };
}
