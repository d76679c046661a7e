// Lets peers connect to this node, where that is asked for: port 179 may be another's, such as Calico's BIRD.
import type { AcceptedTcp, TcpListener } from '../../linux/tcp-socket.ts';
import { type Family, formatAddress, isLinkLocal } from '../../model/address.ts';
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
  let signed: readonly PeerConfiguration['path'][] = [];
  let isOpen = true;

  const setPassword = ({ peer, password }: PeerConfiguration['path']): void => {
    try {
      listeners.get(peer.family)?.setPassword(peer, password);
    } catch (error) {
      log.warn('bgp-password-not-set', { address: formatAddress(peer), error, next: passwordAdvice });
    }
  };

  const sign = (): void => {
    const wanted = peers.map(({ path }) => path).filter(({ password }) => password !== undefined);
    const isKept = (path: PeerConfiguration['path']): boolean =>
      wanted.some(({ peer }) => formatAddress(peer) === formatAddress(path.peer));
    for (const path of signed.filter((one) => !isKept(one))) setPassword({ ...path, password: undefined });
    for (const path of wanted) setPassword(path);
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

const advice =
  'Sessions are made from this node all the same. End the other program that has the port, or leave --bgp-listen out.';
const passwordAdvice =
  'Connections of this peer are not let in. See that the password has at most 80 bytes, and that the kernel has CONFIG_TCP_MD5SIG.';
