// The fields of a BGPPeer, in both versions, and the rules between them.
//
// The older version (v1beta1) knows the newer one's fields as well, so that an object keeps them when somebody reads
// and writes it under the older name. It wants a number and an address of every peer: 0 and '' stand for none there.
import * as z from 'zod/mini';
import { addressText, ipv4Text } from './address-text.ts';
import { parseDuration } from './duration.ts';
import { optionalInterfaceName } from './interface-name.ts';
import { labelSelectors } from './label-selector.ts';
import { dnsLabel, dnsSubdomain } from './metadata.ts';
import { described, type FieldRule, immutable, ruled } from './published.ts';

const asn = z.int().check(z.gte(1), z.lte(4_294_967_295));
const asnOrNone = z.int().check(z.gte(0), z.lte(4_294_967_295));

/** In CEL, whether a text is a duration as `parseDuration` reads it; what is none has no length to compare. */
const celIsDuration = (text: string): string =>
  `${text}.matches('^(0|([0-9]+([.][0-9]*)?(ns|us|µs|ms|s|m|h)){1,7})$')`;

/** Durations from `least` to `most` seconds. */
const celIsBetween = (text: string, least: number, most: number): string =>
  `(duration(${text}) >= duration('${least}s') && duration(${text}) <= duration('${most}s'))`;

const durationThat = (message: string, cel: string, holds: (seconds: number) => boolean) =>
  z.optional(
    ruled(z.string().check(z.maxLength(64)), [
      {
        message,
        cel: `${celIsDuration('self')} && ${cel}`,
        holds: (text) => parseDuration(text) !== undefined && holds(secondsOf(text) ?? 0),
      },
    ]),
  );

/** Seconds; undefined where the field is absent. Only for a spec whose fields are valid. */
export const secondsOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : (parseDuration(text) ?? 0) / 1000;

/** The fields of the older version, but for those that differ. */
const olderFields = {
  myASN: described(asn, 'The AS number of this side.'),
  sourceAddress: described(
    z.optional(addressText),
    'The address of this side to connect from. By default the node chooses.',
  ),
  peerPort: described(
    z._default(z.int().check(z.gte(1), z.lte(16_384)), 179),
    'The TCP port on which the peer listens.',
  ),
  holdTime: described(
    durationThat(
      'This must be 0s, or a duration from 3s to 65535s, such as 90s.',
      `(duration(self) == duration('0s') || ${celIsBetween('self', 3, 65_535)})`,
      (seconds) => seconds === 0 || (seconds >= 3 && seconds <= 65_535),
    ),
    'How long the peer may be silent before the session ends (RFC 4271 section 4.2), such as 90s; 0s: for ever. By default three times keepaliveTime, else 90s.',
  ),
  keepaliveTime: described(
    durationThat(
      'This must be a duration up to 65535s, such as 30s.',
      celIsBetween('self', 0, 65_535),
      (seconds) => seconds <= 65_535,
    ),
    'How often this side says that it is there. By default a third of holdTime, else 30s.',
  ),
  routerID: described(
    z.optional(ipv4Text),
    'The BGP identifier of this side, written as an IPv4 address. By default the node has one.',
  ),
  nodeSelectors: described(
    labelSelectors,
    'Labels of the nodes that have this peer: one selector that matches is enough. None: every node.',
  ),
  password: described(
    z.optional(z.string()),
    'The password for TCP MD5 signatures (RFC 2385). Who may read this object reads it here: prefer passwordSecret.',
  ),
  bfdProfile: described(
    z.optional(z.string()),
    'The name of the BFDProfile to watch the peer with. Without it there is no BFD.',
  ),
  ebgpMultiHop: described(
    z._default(z.boolean(), false),
    'Whether an external peer may be more than one hop away.',
  ),
};

/** What the newer version added. */
const addedFields = {
  dynamicASN: described(
    z.optional(z.enum(['internal', 'external'])),
    'Take the AS number that the peer gives, in place of peerASN: internal wants it to be myASN, external wants any other.',
  ),
  localASN: described(
    z.optional(asn),
    'The AS number to show to this peer in place of myASN, as if it had not been changed yet.',
  ),
  interface: described(
    z.optional(optionalInterfaceName),
    'The network interface at whose other end the peer is (unnumbered, by its link-local address), in place of peerAddress.',
  ),
  connectTime: described(
    durationThat(
      'This must be a duration of 1 to 65535 whole seconds, such as 10s.',
      `${celIsBetween('self', 1, 65_535)} && duration(self).getMilliseconds() % 1000 == 0`,
      (seconds) => Number.isInteger(seconds) && seconds >= 1 && seconds <= 65_535,
    ),
    'How long to wait between two attempts to connect, in whole seconds from 1s to 65535s.',
  ),
  passwordSecret: described(
    z.optional(
      z.strictObject({
        name: described(z.optional(dnsSubdomain), 'The name of the Secret.'),
        namespace: described(
          z.optional(dnsLabel),
          'The namespace of the Secret. By default that of the peer.',
        ),
      }),
    ),
    'A Secret of type kubernetes.io/basic-auth whose key "password" is the password for TCP MD5 signatures.',
    { 'x-kubernetes-map-type': 'atomic' },
  ),
  vrf: described(z.optional(optionalInterfaceName), 'The VRF device of the node to connect through.'),
};

/** Switches that the newer version added. The older one has no default for them, which would hide what an object says. */
const addedFlags = <F extends z.ZodMiniType>(flag: F) => ({
  enableGracefulRestart: described(
    flag,
    'Ask the peer to keep the routes while this side restarts (RFC 4724). It cannot be changed.',
    immutable('This cannot be changed: delete the peer and add it again.'),
  ),
  disableMP: described(
    flag,
    'Deprecated: see dualStackAddressFamily. Exchange routes of the session’s own family only.',
  ),
  dualStackAddressFamily: described(
    flag,
    'Exchange IPv4 and IPv6 routes over the one session, whichever family it runs over.',
  ),
});

/** Fields that the older version lacks. */
export const addedFieldNames = [...Object.keys(addedFields), ...Object.keys(addedFlags(z.boolean()))];

const newerSpec = z.strictObject({
  ...olderFields,
  ...addedFields,
  ...addedFlags(z._default(z.boolean(), false)),
  peerASN: described(
    z.optional(asnOrNone),
    'The AS number of the peer. One of this and dynamicASN is given; 0 is none.',
  ),
  peerAddress: described(
    z.optional(addressText),
    'The address of the peer. One of this and interface is given.',
  ),
});

const olderSpec = z.strictObject({
  ...olderFields,
  ...addedFields,
  ...addedFlags(z.optional(z.boolean())),
  peerASN: described(asnOrNone, 'The AS number of the peer; 0 where dynamicASN is given.'),
  peerAddress: described(addressText, 'The address of the peer; empty where interface is given.'),
});

export type BgpPeerSpec = z.output<typeof newerSpec>;
/** What the rules read, which both versions have alike. */
type Common = Omit<BgpPeerSpec, keyof ReturnType<typeof addedFlags>>;
/** True where the field is empty or absent. */
const none = (text: string | undefined): boolean => text === undefined || text === '';

/** 0 is as good as absent. */
export const peerAsnOf = ({ peerASN, dynamicASN }: Common): BgpPeerSpec['dynamicASN'] | number =>
  dynamicASN ?? (peerASN === 0 ? undefined : peerASN);

const rules: readonly FieldRule<Common>[] = [
  {
    field: 'dynamicASN',
    message: 'The peer has peerASN as well: keep one of the two.',
    cel: '!has(self.dynamicASN) || !has(self.peerASN) || self.peerASN == 0',
    holds: ({ dynamicASN, peerASN }) => dynamicASN === undefined || (peerASN ?? 0) === 0,
  },
  {
    field: 'ebgpMultiHop',
    message: 'This is an internal session, which needs no multihop: remove it.',
    cel: "!self.ebgpMultiHop || !((has(self.dynamicASN) && self.dynamicASN == 'internal') || (has(self.peerASN) && self.peerASN == self.myASN))",
    holds: (spec) => !spec.ebgpMultiHop || !['internal', spec.myASN].includes(peerAsnOf(spec) ?? 0),
  },
  {
    field: 'password',
    message: 'The peer has passwordSecret as well: keep one of the two.',
    cel: "!has(self.password) || self.password == '' || !has(self.passwordSecret) || !has(self.passwordSecret.name)",
    holds: ({ password, passwordSecret }) => none(password) || passwordSecret?.name === undefined,
  },
  {
    field: 'keepaliveTime',
    message: 'This must be no longer than holdTime; without one it must be 0s, or from 1s to 21845s.',
    // Of a field that is no duration its own rule speaks.
    cel: [
      '!has(self.keepaliveTime)',
      `!${celIsDuration('self.keepaliveTime')}`,
      `(has(self.holdTime) ? !${celIsDuration('self.holdTime')} || duration(self.keepaliveTime) <= duration(self.holdTime) : duration(self.keepaliveTime) == duration('0s') || ${celIsBetween('self.keepaliveTime', 1, 21_845)})`,
    ].join(' || '),
    holds: ({ keepaliveTime, holdTime }) => {
      const keepalive = secondsOf(keepaliveTime) ?? 0;
      const hold = secondsOf(holdTime);
      if (hold !== undefined) return keepalive <= hold;
      return keepalive === 0 || (keepalive >= 1 && keepalive <= 21_845);
    },
  },
];

const newerRules: readonly FieldRule<Common>[] = [
  {
    field: 'peerASN',
    message: 'The peer needs peerASN or dynamicASN: add one of the two.',
    cel: 'has(self.dynamicASN) || (has(self.peerASN) && self.peerASN != 0)',
    holds: (spec) => peerAsnOf(spec) !== undefined,
  },
  {
    field: 'peerAddress',
    message: 'The peer needs either peerAddress or interface: give one of the two.',
    cel: "(has(self.peerAddress) && self.peerAddress != '') != (has(self.interface) && self.interface != '')",
    holds: (spec) => none(spec.peerAddress) !== none(spec.interface),
  },
];

const description = 'One neighbour to exchange routes with by BGP, and the session with it.';

export const bgpPeerSpecV1beta1 = described(ruled(olderSpec, rules), description);
export const bgpPeerSpecV1beta2 = described(ruled(newerSpec, [...newerRules, ...rules]), description);
