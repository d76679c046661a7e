// The part of a NodeReport that is about BGP: the node's peers, and how their sessions stand.
import * as z from 'zod/mini';
import { described } from './published.ts';

const text = (description: string) => described(z.string(), description);
const count = (description: string) => described(z.int(), description);
const words = (description: string) => described(z.array(z.string()), description);

const peer = z.object({
  name: text('The name of the BGPPeer.'),
  address: text('The address of the peer.'),
  port: count('Its port.'),
  state: described(
    z.enum(['idle', 'connect', 'active', 'open-sent', 'open-confirm', 'established']),
    'The state of the session (RFC 4271 section 8.2.2).',
  ),
  since: text('When the session came up, or else went down or was wanted first.'),
  localAsn: count('The AS number that the node says it has.'),
  peerAsn: described(z.optional(z.int()), 'The AS number that the peer says it has.'),
  holdTimeSeconds: described(z.optional(z.int()), 'The hold time that both agreed on.'),
  families: words('The address families that both agreed on.'),
  capabilities: words('What the node can (RFC 5492).'),
  peerCapabilities: words('What the peer can.'),
  told: described(z.boolean(), 'Whether the peer was sent all routes that it is to have, and End-of-RIB.'),
  prefixes: count('How many prefixes it is to have.'),
  sent: count('Messages sent since the peer was added or changed.'),
  received: count('Messages received.'),
  bfd: described(z.optional(z.string()), 'The state of the BFD session, where there is one.'),
  lastError: described(z.optional(z.string()), 'Why there is no session, or was none before this state.'),
  problem: described(z.optional(z.string()), 'What keeps some routes from the peer.'),
});

export const bgpReportSchema = z.object({
  peers: described(z.array(peer), 'The peers that the node has sessions with, or tries to.'),
  unused: described(
    z.array(
      z.object({
        peer: text('The name of the BGPPeer.'),
        kind: text('What it is, in one word for programs.'),
        message: text('What it is and what to do, for people.'),
      }),
    ),
    'BGPPeers that the node has no session with, and why.',
  ),
});
