// Connecting to a peer: by which path, and why it failed, in words that say what to look at.
import type { Socket } from 'node:net';
import { formatAddress } from '../../model/address.ts';
import type { PeerPath } from './peer-path.ts';

export interface DialHandlers {
  connected(socket: Socket): void;
  failed(text: string): void;
}

/** One of the handlers is called, later; disposed before, none is. */
export function dial(path: PeerPath, handlers: DialHandlers): Disposable {
  let isWanted = true;
  let attempt: Disposable | undefined;
  const begin = async (): Promise<void> => {
    // Native code is loaded only where there is a peer.
    const [{ connectTcp }, { listLinks }, { SystemError }] = await Promise.all([
      import('../../linux/tcp-socket.ts'),
      import('../../linux/links.ts'),
      import('../../linux/errno.ts'),
    ]);
    if (!isWanted) return;
    const fail = ({ code }: { readonly code: string }): void => handlers.failed(dialText(code, path));
    try {
      const { device: name, ...rest } = path;
      const index = name === undefined ? 0 : (listLinks().find((link) => link.name === name)?.index ?? 0);
      const device = name === undefined ? undefined : { name, index };
      attempt = connectTcp({ ...rest, device }, { connected: handlers.connected, failed: fail });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      fail(error);
    }
  };
  void begin();
  return {
    [Symbol.dispose]() {
      isWanted = false;
      attempt?.[Symbol.dispose]();
    },
  };
}

/** A clause without a full stop. */
export function dialText(code: string, { peer, peerPort, local, device, password }: PeerPath): string {
  const to = formatAddress(peer);
  switch (code) {
    case 'ECONNREFUSED':
      return `${to} refuses connections to port ${peerPort}; check that BGP runs there and expects this node`;
    case 'ENETUNREACH':
      return `there is no route to ${to}; check this node's routes`;
    case 'EHOSTUNREACH':
      return `${to} does not answer on its network; check the cable, the VLAN and the address`;
    case 'ETIMEDOUT':
      return `${to} does not answer; check filters between${password === undefined ? '' : ', and the password on both sides'}`;
    case 'EADDRNOTAVAIL':
      return `this node does not have the source address ${local === undefined ? '' : formatAddress(local)}; correct sourceAddress, or select other nodes`;
    case 'ENODEV':
      return `this node has no interface ${device ?? ''}; correct the name, or select other nodes`;
    case 'EPERM':
    case 'EACCES':
      return 'this is not allowed; run the agent with CAP_NET_ADMIN and CAP_NET_RAW, and look at output filters';
    case 'ENOPROTOOPT':
      return 'this kernel cannot sign TCP (CONFIG_TCP_MD5SIG); remove the password';
    case 'EINVAL':
      return 'the kernel refuses the address, or a password of more than 80 bytes; correct them';
    default:
      return `connecting to ${to} failed with ${code}`;
  }
}
