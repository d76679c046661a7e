// Lets peers connect to this node, where that is asked for: port 179 may be another's, such as Calico's BIRD.
import type { AcceptedTcp, TcpListener } from '../../linux/tcp-socket.ts';
import { type Cidr, type Family, familyBits, formatCidr, isLinkLocal } from '../../model/address.ts';
import type { Log } from '../../observe/log.ts';
import type { PeerConfiguration } from './peer-configuration.ts';

export interface BgpListener extends Disposable {
  /** Whose connections are signed, and how. */
  setPeers(peers: readonly PeerConfiguration[]): void;
}

export interface AcceptedPeer extends AcceptedTcp {
  /** The interface that a link-local address is of; undefined: it is of none alone. */
  readonly device: string | undefined;
}

export interface BgpListenerOptions {
  readonly port: number;
  readonly accept: (connection: AcceptedPeer) => void;
  readonly log: Log;
}

/** Listens on both families, as far as the port is free; that it is not is logged once. */
export function listenForPeers({ port, accept, log }: BgpListenerOptions): BgpListener {
  const listeners = new Map<Family, TcpListener>();
  let peers: readonly PeerConfiguration[] = [];
  /** By the network's text. */
  let signed = new Map<string, Signed>();
  let isOpen = true;

  const setPassword = ({ peers: network, password }: Signed): void => {
    try {
      listeners.get(network.address.family)?.setPassword(network, password);
    } catch (error) {
      log.warn('bgp-password-not-set', { address: formatCidr(network), error, next: passwordAdvice });
    }
  };

  const sign = (): void => {
    const wanted = new Map(peers.flatMap(signedOf).map((one) => [formatCidr(one.peers), one]));
    for (const [text, one] of signed) if (!wanted.has(text)) setPassword({ ...one, password: undefined });
    for (const one of wanted.values()) setPassword(one);
    signed = wanted;
  };

  const open = async (): Promise<void> => {
    const [{ listenTcp }, { listLinks }] = await Promise.all([
      import('../../linux/tcp-socket.ts'),
      import('../../linux/links.ts'),
    ]);
    const onConnection = (connection: AcceptedTcp): void => {
      const link = isLinkLocal(connection.peer)
        ? listLinks().find(({ index }) => index === connection.interfaceIndex)
        : undefined;
      accept({ ...connection, device: link?.name });
    };
    for (const family of ['IPv4', 'IPv6'] as const) {
      if (!isOpen) return;
      try {
        listeners.set(family, listenTcp({ family, port, device: undefined, onConnection }));
      } catch (error) {
        log.warn('bgp-not-listening', { family, port, error, next: advice });
      }
    }
    sign();
  };
  void open();

  return {
    setPeers(next) {
      peers = next;
      sign();
    },
    [Symbol.dispose]() {
      isOpen = false;
      for (const listener of listeners.values()) listener[Symbol.dispose]();
      listeners.clear();
    },
  };
}

interface Signed {
  readonly peers: Cidr;
  readonly password: string | undefined;
}

/** The peer's own address, and the range whose strangers are like it. */
function signedOf({ path: { peer, password }, listenRange }: PeerConfiguration): Signed[] {
  if (password === undefined) return [];
  const own = { address: peer, prefixLength: familyBits(peer.family) };
  return [own, ...(listenRange === undefined ? [] : [listenRange])].map((peers) => ({ peers, password }));
}

const advice =
  'Sessions are made from this node all the same. End the other program that has the port, or leave --bgp-listen out.';
const passwordAdvice =
  'Connections of this peer are not let in. See that the password has at most 80 bytes, and that the kernel has CONFIG_TCP_MD5SIG.';
