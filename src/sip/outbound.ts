/**
 * Connections that a user agent keeps, as REGISTER and its response speak of them (RFC 5626 §4.2): the parameters of
 * our Contact, and what the registrar says back.
 *
 * Each account has one flow, so its `reg-id` is always 1. A second flow to the same server would fail with the first.
 */
import { type Flow, flowName } from './flow.ts';
import type { SipResponse } from './message.ts';
import { value } from './message.ts';
import { readDigits } from './text.ts';
import { parseOptionTags } from './token-list.ts';

/** §4.2: numbers the flows of one instance. */
export const REG_ID = 1;
/** A Flow-Timer beyond this says nothing, in seconds; one of 0 would have us ping without end. */
const LONGEST_FLOW_TIMER_S = 86_400;

/** What stands behind our Contact in a REGISTER. */
export function outboundParams(instance: string): string {
  return `;+sip.instance="<${instance}>";reg-id=${REG_ID}`;
}

/** §4.2.1: whether the registrar took the binding as one of a flow: it says so, or it did not. */
export function saysOutbound(response: SipResponse): boolean {
  const required = parseOptionTags(response, 'Require');
  return required.ok && required.value.includes('outbound');
}

/** Flow-Timer (§4.4, §10): after how long without a keepalive the server gives the flow up, in ms. */
export function flowTimerMs(response: SipResponse): number | undefined {
  const seconds = readDigits(value(response, 'Flow-Timer') ?? '');
  return seconds >= 1 && seconds <= LONGEST_FLOW_TIMER_S ? seconds * 1000 : undefined;
}

/** The flows that registrars reach us on, by the Call-ID of the registration: one that ends may have a successor. */
export class OutboundFlows {
  private readonly names = new Map<string, string>();

  /** The registration has bound that flow, or none any more. */
  set(callId: string, flow: Flow | undefined): void {
    if (flow === undefined) this.names.delete(callId);
    else this.names.set(callId, flowName(flow));
  }

  has(flow: Flow): boolean {
    if (this.names.size === 0) return false;
    const name = flowName(flow);
    for (const one of this.names.values()) if (one === name) return true;
    return false;
  }

  /**
   * A Contact as it stands in what makes a dialog: with `ob` when the flow is a registered one, which asks the proxy at
   * its other end to send what belongs to the dialog over this flow as well (§4.3).
   */
  dialogContact(contact: string, flow: Flow): string {
    return this.has(flow) ? contact.replace(/>$/, ';ob>') : contact;
  }
}
