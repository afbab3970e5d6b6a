/** A proxy of ours with three phones that have not registered yet: 100, and two of 101. */
import { type VirtualEndpoint, VirtualNetwork } from './virtual.ts';
import { VirtualPhone } from './virtual-phone.ts';
import { endpointConfig, REGISTRAR_ADDRESS } from './virtual-scene.ts';

export interface ProxyScene {
  readonly network: VirtualNetwork;
  readonly proxy: VirtualEndpoint;
  readonly anna: VirtualPhone;
  readonly bert: VirtualPhone;
  readonly second: VirtualPhone;
  /** One more, at 192.0.2.x. */
  phone(user: string, lastByte: number): VirtualPhone;
}

/** The users 100 to 102 have the password of `VirtualPhone`. */
export function proxyScene(): ProxyScene {
  const network = new VirtualNetwork();
  const users = ['100', '101', '102'].map((user) => ({ user, password: 'secret' }));
  const config = endpointConfig(REGISTRAR_ADDRESS, { registrar: { domain: 'lab.local', users } });
  const proxy = network.addEndpoint('proxy', REGISTRAR_ADDRESS, config);
  const phone = (user: string, lastByte: number) =>
    new VirtualPhone(network, user, { address: `192.0.2.${lastByte}`, port: 5060 });
  return {
    network,
    proxy,
    anna: phone('100', 20),
    bert: phone('101', 30),
    second: phone('101', 31),
    phone,
  };
}
