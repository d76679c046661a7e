// Runs a packet through the fake's rules as the kernel would: registers, verdicts, the order of hooks, and NAT.
import { type Address, addressFromBytes, addressToBytes, sameAddress } from '../../model/address.ts';
import type { Packet } from '../interpret.ts';
import { byteString } from './elements.ts';
import type { FakeElement, FakeNftables, FakeTable } from './fake.ts';
import { layoutOf } from './family.ts';
import type { Expression, Hook, Verdict } from './operation.ts';
import { paddedLength } from './operation.ts';

export interface Surroundings {
  /** The node's own addresses, for the routing decision and `fib`. */
  readonly addresses: readonly Address[];
  readonly nowSeconds: number;
  /** Below the bound, uniformly. */
  readonly random: (bound: number) => number;
}

/** What became of the packet. */
export type Fate =
  | { readonly kind: 'drop' | 'reject' | 'redirect' | 'untouched' }
  | {
      readonly kind: 'translated';
      readonly destination: Address;
      readonly port: number;
      readonly masqueraded: boolean;
    };

interface Flow {
  readonly packet: Packet;
  destination: Address;
  port: number;
  translated: boolean;
  redirected: boolean;
  masqueraded: boolean;
}

const protocolNumbers = { TCP: 6, UDP: 17, SCTP: 132, other: 47 };

/** The first packet of a connection. What rules remember is in the fake afterwards. */
export function evaluate(fake: FakeNftables, packet: Packet, around: Surroundings): Fate {
  const flow: Flow = {
    packet,
    destination: packet.destination,
    port: packet.destinationPort,
    translated: false,
    redirected: false,
    masqueraded: false,
  };
  const isOwn = (address: Address): boolean => around.addresses.some((own) => sameAddress(own, address));
  const entry: Hook = packet.from === 'network' ? 'prerouting' : 'output';
  const refused = runHook(fake, entry, flow, around);
  if (refused !== undefined) return { kind: refused };
  if (packet.from === 'node' || !(flow.redirected || isOwn(flow.destination))) {
    const through = packet.from === 'node' ? undefined : runHook(fake, 'forward', flow, around);
    if (through !== undefined) return { kind: through };
    const late = runHook(fake, 'postrouting', flow, around);
    if (late !== undefined) return { kind: late };
  }
  if (flow.redirected) return { kind: 'redirect' };
  if (!flow.translated) return { kind: 'untouched' };
  const { destination, port, masqueraded } = flow;
  return { kind: 'translated', destination, port, masqueraded };
}

type End = 'drop' | 'reject' | 'accept';

/** NAT chains come before filter chains here: the kernel's NAT is at −100, our filter after it. */
function runHook(
  fake: FakeNftables,
  hook: Hook,
  flow: Flow,
  around: Surroundings,
): 'drop' | 'reject' | undefined {
  const { table } = fake;
  const bases = [...(table?.chains ?? [])]
    .flatMap(([name, { base }]) => (base?.hook === hook ? [{ name, base }] : []))
    .sort((a, b) => Number(a.base.type === 'filter') - Number(b.base.type === 'filter'));
  for (const { name } of bases) {
    const end = runChain(fake, name, flow, around);
    if (end === 'drop' || end === 'reject') return end;
  }
  return undefined;
}

/** Undefined: the chain came to its end without a verdict. */
function runChain(fake: FakeNftables, name: string, flow: Flow, around: Surroundings): End | undefined {
  const chain = fake.table?.chains.get(name);
  if (chain === undefined) throw new Error(`no chain ${name}`);
  for (const rule of chain.rules) {
    const verdict = runRule(fake, rule, flow, around);
    if (verdict === undefined) continue;
    switch (verdict.kind) {
      case 'jump': {
        const end = runChain(fake, verdict.chain, flow, around);
        if (end !== undefined) return end;
        break;
      }
      case 'goto':
        return runChain(fake, verdict.chain, flow, around);
      case 'return':
        return undefined;
      case 'accept':
      case 'drop':
      case 'reject':
        return verdict.kind;
      default:
        verdict satisfies never;
    }
  }
  return undefined;
}

type RuleVerdict = Verdict | { readonly kind: 'reject' };

/** Undefined: the rule did not match, or said nothing. */
function runRule(
  fake: FakeNftables,
  rule: readonly Expression[],
  flow: Flow,
  around: Surroundings,
): RuleVerdict | undefined {
  const registers = new Uint8Array(64);
  for (const expression of rule) {
    const result = step(fake, expression, registers, flow, around);
    if (result === 'no match') return undefined;
    if (result !== undefined) return result;
  }
  return undefined;
}

function step(
  fake: FakeNftables,
  expression: Expression,
  registers: Uint8Array,
  flow: Flow,
  around: Surroundings,
): RuleVerdict | 'no match' | undefined {
  const store = (to: number, value: Uint8Array): undefined => {
    registers.fill(0, to * 4, to * 4 + ((value.length + 3) & ~3));
    registers.set(value, to * 4);
  };
  const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
  const read = (from: number, length: number): Uint8Array => registers.slice(from * 4, from * 4 + length);
  const { table } = fake;
  if (table === undefined) throw new Error('no table');

  switch (expression.op) {
    case 'payload': {
      if (expression.base === 'link') throw new Error('a packet here has no Ethernet header');
      const header = expression.base === 'network' ? networkHeader(flow) : transportHeader(flow);
      return store(expression.to, header.subarray(expression.offset, expression.offset + expression.length));
    }
    case 'meta':
      return store(
        expression.to,
        Uint8Array.of(
          expression.key === 'l4proto'
            ? protocolNumber(flow)
            : layoutOf(flow.destination.family).netfilterProtocol,
        ),
      );
    case 'ct':
      // A new connection; IPS_DST_NAT once it was translated.
      return store(expression.to, word(expression.key === 'state' ? 8 : flow.translated ? 32 : 0));
    case 'ct-original': {
      if (expression.key === 'destination-port')
        return store(expression.to, bigEndian(flow.packet.destinationPort));
      const family = expression.key === 'ipv4-destination' ? 'IPv4' : 'IPv6';
      if (flow.packet.destination.family !== family) return 'no match';
      return store(expression.to, addressToBytes(flow.packet.destination));
    }
    case 'fib-type': {
      const address = expression.of === 'source' ? flow.packet.source : flow.destination;
      const isOwn =
        (expression.of === 'source' && flow.packet.from === 'node') ||
        around.addresses.some((own) => sameAddress(own, address));
      return store(expression.to, word(isOwn ? 2 : 1));
    }
    case 'compare': {
      const equal =
        byteString(read(expression.from, expression.value.length)) === byteString(expression.value);
      return equal === expression.equal ? undefined : 'no match';
    }
    case 'and':
      return store(
        expression.register,
        read(expression.register, expression.mask.length).map(
          (byte, index) => byte & (expression.mask[index] ?? 0),
        ),
      );
    case 'hash':
      throw new Error('no rule of this table hashes');
    case 'random':
      return store(expression.to, word(around.random(expression.modulus)));
    case 'lookup': {
      const set = setOf(table, expression.set);
      const key = byteString(read(expression.from, paddedLength(set.definition.key)));
      const element = find([...set.elements.values()], key, around.nowSeconds);
      if ((element === undefined) !== expression.inverted) return 'no match';
      if (element === undefined || expression.to === undefined) return undefined;
      if (expression.to === 'verdict') return element.verdict;
      return store(expression.to, Buffer.from(element.data ?? '', 'latin1'));
    }
    case 'update-element':
    case 'remove-element': {
      const set = setOf(table, expression.set);
      const key = byteString(read(expression.key, paddedLength(set.definition.key)));
      const elements = new Map(set.elements);
      const before = find([...elements.values()], key, around.nowSeconds);
      if (expression.op === 'remove-element') elements.delete(key);
      else {
        const dataFields = set.definition.data;
        if (dataFields === undefined || dataFields === 'verdict') throw new Error('not a map of values');
        const data = before?.data ?? byteString(read(expression.data, paddedLength(dataFields)));
        elements.set(key, { key, data, untilSeconds: around.nowSeconds + expression.timeoutSeconds });
      }
      fake.setElements(expression.set, elements);
      return undefined;
    }
    case 'destination-nat': {
      const length = expression.family === 'IPv4' ? 4 : 16;
      flow.destination = addressFromBytes(read(expression.address, length));
      flow.port = new DataView(registers.buffer).getUint16(expression.port * 4);
      flow.translated = true;
      return { kind: 'accept' };
    }
    case 'masquerade':
      flow.masqueraded = true;
      return { kind: 'accept' };
    case 'redirect': {
      const own = around.addresses.find(({ family }) => family === flow.destination.family);
      if (own === undefined) return { kind: 'drop' };
      flow.destination = own;
      flow.redirected = true;
      flow.translated = true;
      return { kind: 'accept' };
    }
    case 'reject':
      return { kind: 'reject' };
    case 'duplicate':
      throw new Error('an inet table cannot duplicate packets');
    case 'verdict':
      return expression.verdict;
    default:
      return expression satisfies never;
  }
}

function setOf(table: FakeTable, name: string) {
  const set = table.sets.get(name);
  if (set === undefined) throw new Error(`no set ${name}`);
  return set;
}

/** Ranges are compared whole: all fields but the last are the same at both of their ends. */
const find = (elements: readonly FakeElement[], key: string, nowSeconds: number): FakeElement | undefined =>
  elements.find(
    (element) =>
      element.key <= key &&
      key <= (element.keyEnd ?? element.key) &&
      nowSeconds < (element.untilSeconds ?? Number.POSITIVE_INFINITY),
  );

const bigEndian = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

function protocolNumber(flow: Flow): number {
  const { protocol } = flow.packet;
  return protocol === 'echo-request' ? layoutOf(flow.destination.family).icmp : protocolNumbers[protocol];
}

function networkHeader(flow: Flow): Uint8Array {
  const of = layoutOf(flow.destination.family);
  const header = new Uint8Array(40);
  header.set(addressToBytes(flow.packet.source), of.sourceOffset);
  header.set(addressToBytes(flow.destination), of.destinationOffset);
  return header;
}

function transportHeader(flow: Flow): Uint8Array {
  const header = new Uint8Array(8);
  if (flow.packet.protocol === 'echo-request') header[0] = layoutOf(flow.destination.family).echoRequest;
  else header.set(bigEndian(flow.port), 2);
  return header;
}
