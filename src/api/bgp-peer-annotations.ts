// What a BGPPeer of Gantry's may have beyond MetalLB's fields, as annotations: other programs leave those alone.
import { type Address, type Cidr, formatAddress, parseCidr } from '../model/address.ts';
import type { BgpPeer, BgpRole } from '../model/bgp.ts';
import { addedFieldsAnnotation } from './bgp-peer-conversion.ts';
import { parseDuration } from './duration.ts';
import { type FieldProblem, fieldError } from './field-problem.ts';
import { unknownAnnotations } from './gantry-annotations.ts';

export type AnnotatedPeer = Pick<
  BgpPeer,
  'listenRange' | 'isPassive' | 'role' | 'isRoleStrict' | 'longLivedSeconds'
>;

const names = {
  range: 'gantry.dev/peer-range',
  passive: 'gantry.dev/passive',
  role: 'gantry.dev/role',
  strict: 'gantry.dev/role-strict',
  longLived: 'gantry.dev/long-lived-graceful-restart',
} as const;

/** As RFC 9234 §3 calls them. */
const roles: Readonly<Record<string, BgpRole>> = {
  provider: 'provider',
  customer: 'customer',
  peer: 'peer',
  rs: 'route-server',
  'rs-client': 'route-server-client',
};

/** The longest that the capability can say (RFC 9494 §3.1): 24 bits of seconds. */
const longestLifeSeconds = 0xff_ffff;

/** What each of them says; of one that is wrong there is a problem, and it has no effect. */
export function readPeerAnnotations(
  annotations: Readonly<Record<string, string>>,
  peer: {
    readonly address: Address | undefined;
    readonly isExternal: boolean;
    readonly hasGracefulRestart: boolean;
  },
): { readonly found: AnnotatedPeer; readonly problems: readonly FieldProblem[] } {
  const problems = unknownAnnotations(annotations, [...Object.values(names), addedFieldsAnnotation]);
  const read = <T>(name: string, rule: string, parse: (text: string) => T | undefined): T | undefined => {
    const text = annotations[name];
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) problems.push(fieldError(['metadata', 'annotations', name], text, rule));
    return value;
  };
  const flag = (name: string): boolean =>
    read(name, 'This must be "true" or "false".', (text) =>
      text === 'true' || text === 'false' ? text === 'true' : undefined,
    ) ?? false;
  const needs = (name: string, isFulfilled: boolean, rule: string): void => {
    if (isFulfilled || annotations[name] === undefined) return;
    problems.push(fieldError(['metadata', 'annotations', name], annotations[name], rule));
  };

  const found: AnnotatedPeer = {
    listenRange: read(
      names.range,
      `This must be a network such as 192.0.2.0/24 of the family of spec.peerAddress${peer.address === undefined ? ', which the peer lacks: add that' : `, ${formatAddress(peer.address)}`}.`,
      (text) => rangeFor(peer.address, text),
    ),
    isPassive: flag(names.passive),
    role: read(
      names.role,
      `This must be the role of this side (RFC 9234), one of ${Object.keys(roles).join(', ')}.`,
      (text) => (Object.hasOwn(roles, text) ? roles[text] : undefined),
    ),
    isRoleStrict: flag(names.strict),
    longLivedSeconds:
      read(
        names.longLived,
        `This must be a duration of whole seconds from 1s to ${longestLifeSeconds}s, such as 24h.`,
        (text) => {
          const seconds = (parseDuration(text) ?? Number.NaN) / 1000;
          return Number.isInteger(seconds) && seconds >= 1 && seconds <= longestLifeSeconds
            ? seconds
            : undefined;
        },
      ) ?? 0,
  };
  needs(names.role, peer.isExternal, 'Roles are of external sessions (RFC 9234 section 4.1): remove it.');
  needs(names.strict, annotations[names.role] !== undefined, `This needs ${names.role}: add that.`);
  needs(
    names.longLived,
    peer.hasGracefulRestart,
    'This begins where graceful restart ends (RFC 9494 section 4.2): set spec.enableGracefulRestart.',
  );
  return { found, problems };
}

function rangeFor(address: Address | undefined, text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  return cidr?.address.family === address?.family ? cidr : undefined;
}
