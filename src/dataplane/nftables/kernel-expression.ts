// Rule expressions as nf_tables' netlink attributes.
import type { MessageWriter } from '../../linux/netlink-message.ts';
import * as nf from '../../linux/nf-tables.ts';
import type { Expression, Register, Verdict } from './operation.ts';

/** Writes an expression into the open list of its rule. */
export function writeExpression(writer: MessageWriter, expression: Expression): void {
  const element = writer.beginNest(nf.NFTA_LIST_ELEM);
  writer.string(nf.NFTA_EXPR_NAME, kernelName(expression));
  const data = writer.beginNest(nf.NFTA_EXPR_DATA);
  writeData(writer, expression);
  writer.endNest(data);
  writer.endNest(element);
}

function kernelName(expression: Expression): string {
  switch (expression.op) {
    case 'payload':
    case 'meta':
    case 'ct':
    case 'lookup':
    case 'reject':
    case 'hash':
      return expression.op;
    case 'ct-original':
      return 'ct';
    case 'fib-type':
      return 'fib';
    case 'compare':
      return 'cmp';
    case 'and':
      return 'bitwise';
    case 'random':
      return 'numgen';
    case 'update-element':
    case 'remove-element':
      return 'dynset';
    case 'destination-nat':
      return 'nat';
    case 'masquerade':
      return 'masq';
    case 'redirect':
      return 'redir';
    case 'duplicate':
      return 'dup';
    case 'verdict':
      return 'immediate';
    default:
      return expression satisfies never;
  }
}

const kernelRegister = (register: Register): number => nf.NFT_REG32_00 + register;

const headerBases = {
  link: nf.NFT_PAYLOAD_LL_HEADER,
  network: nf.NFT_PAYLOAD_NETWORK_HEADER,
  transport: nf.NFT_PAYLOAD_TRANSPORT_HEADER,
} as const;

function writeData(writer: MessageWriter, expression: Expression): void {
  switch (expression.op) {
    case 'payload':
      writer.u32be(nf.NFTA_PAYLOAD_DREG, kernelRegister(expression.to));
      writer.u32be(nf.NFTA_PAYLOAD_BASE, headerBases[expression.base]);
      writer.u32be(nf.NFTA_PAYLOAD_OFFSET, expression.offset);
      writer.u32be(nf.NFTA_PAYLOAD_LEN, expression.length);
      return;
    case 'meta':
      writer.u32be(nf.NFTA_META_DREG, kernelRegister(expression.to));
      writer.u32be(
        nf.NFTA_META_KEY,
        expression.key === 'nfproto' ? nf.NFT_META_NFPROTO : nf.NFT_META_L4PROTO,
      );
      return;
    case 'ct':
      writer.u32be(nf.NFTA_CT_DREG, kernelRegister(expression.to));
      writer.u32be(nf.NFTA_CT_KEY, expression.key === 'state' ? nf.NFT_CT_STATE : nf.NFT_CT_STATUS);
      return;
    case 'ct-original': {
      const keys = {
        'ipv4-destination': nf.NFT_CT_DST_IP,
        'ipv6-destination': nf.NFT_CT_DST_IP6,
        'destination-port': nf.NFT_CT_PROTO_DST,
      };
      writer.u32be(nf.NFTA_CT_DREG, kernelRegister(expression.to));
      writer.u32be(nf.NFTA_CT_KEY, keys[expression.key]);
      writer.u8(nf.NFTA_CT_DIRECTION, nf.IP_CT_DIR_ORIGINAL);
      return;
    }
    case 'fib-type':
      writer.u32be(nf.NFTA_FIB_DREG, kernelRegister(expression.to));
      writer.u32be(nf.NFTA_FIB_RESULT, nf.NFT_FIB_RESULT_ADDRTYPE);
      writer.u32be(nf.NFTA_FIB_FLAGS, expression.of === 'source' ? nf.NFTA_FIB_F_SADDR : nf.NFTA_FIB_F_DADDR);
      return;
    case 'compare':
      writer.u32be(nf.NFTA_CMP_SREG, kernelRegister(expression.from));
      writer.u32be(nf.NFTA_CMP_OP, expression.equal ? nf.NFT_CMP_EQ : nf.NFT_CMP_NEQ);
      writeValue(writer, nf.NFTA_CMP_DATA, expression.value);
      return;
    case 'and':
      writer.u32be(nf.NFTA_BITWISE_SREG, kernelRegister(expression.register));
      writer.u32be(nf.NFTA_BITWISE_DREG, kernelRegister(expression.register));
      writer.u32be(nf.NFTA_BITWISE_LEN, expression.mask.length);
      writeValue(writer, nf.NFTA_BITWISE_MASK, expression.mask);
      writeValue(writer, nf.NFTA_BITWISE_XOR, new Uint8Array(expression.mask.length));
      return;
    case 'hash':
      writer.u32be(nf.NFTA_HASH_SREG, kernelRegister(expression.from));
      writer.u32be(nf.NFTA_HASH_DREG, kernelRegister(expression.to));
      writer.u32be(nf.NFTA_HASH_LEN, expression.length);
      writer.u32be(nf.NFTA_HASH_MODULUS, expression.modulus);
      // Without a seed the kernel draws one.
      writer.u32be(nf.NFTA_HASH_SEED, 0);
      return;
    case 'random':
      writer.u32be(nf.NFTA_NG_DREG, kernelRegister(expression.to));
      writer.u32be(nf.NFTA_NG_MODULUS, expression.modulus);
      writer.u32be(nf.NFTA_NG_TYPE, nf.NFT_NG_RANDOM);
      return;
    case 'lookup':
      writer.string(nf.NFTA_LOOKUP_SET, expression.set);
      writer.u32be(nf.NFTA_LOOKUP_SREG, kernelRegister(expression.from));
      if (expression.to !== undefined)
        writer.u32be(
          nf.NFTA_LOOKUP_DREG,
          expression.to === 'verdict' ? nf.NFT_REG_VERDICT : kernelRegister(expression.to),
        );
      if (expression.inverted) writer.u32be(nf.NFTA_LOOKUP_FLAGS, nf.NFT_LOOKUP_F_INV);
      return;
    case 'update-element':
    case 'remove-element':
      writer.string(nf.NFTA_DYNSET_SET_NAME, expression.set);
      writer.u32be(
        nf.NFTA_DYNSET_OP,
        expression.op === 'update-element' ? nf.NFT_DYNSET_OP_UPDATE : nf.NFT_DYNSET_OP_DELETE,
      );
      writer.u32be(nf.NFTA_DYNSET_SREG_KEY, kernelRegister(expression.key));
      writer.u32be(nf.NFTA_DYNSET_SREG_DATA, kernelRegister(expression.data));
      if (expression.op === 'update-element')
        writer.u64be(nf.NFTA_DYNSET_TIMEOUT, BigInt(expression.timeoutSeconds) * 1000n);
      return;
    case 'destination-nat':
      writer.u32be(nf.NFTA_NAT_TYPE, nf.NFT_NAT_DNAT);
      writer.u32be(nf.NFTA_NAT_FAMILY, expression.family === 'IPv4' ? nf.NFPROTO_IPV4 : nf.NFPROTO_IPV6);
      writer.u32be(nf.NFTA_NAT_REG_ADDR_MIN, kernelRegister(expression.address));
      writer.u32be(nf.NFTA_NAT_REG_PROTO_MIN, kernelRegister(expression.port));
      return;
    case 'masquerade':
      writer.u32be(nf.NFTA_MASQ_FLAGS, nf.NF_NAT_RANGE_PROTO_RANDOM_FULLY);
      return;
    case 'redirect':
      return;
    case 'duplicate':
      writer.u32be(nf.NFTA_DUP_SREG_ADDR, kernelRegister(expression.to));
      return;
    case 'reject':
      writer.u32be(
        nf.NFTA_REJECT_TYPE,
        expression.with === 'tcp-reset' ? nf.NFT_REJECT_TCP_RST : nf.NFT_REJECT_ICMPX_UNREACH,
      );
      if (expression.with === 'port-unreachable')
        writer.u8(nf.NFTA_REJECT_ICMP_CODE, nf.NFT_REJECT_ICMPX_PORT_UNREACH);
      return;
    case 'verdict': {
      writer.u32be(nf.NFTA_IMMEDIATE_DREG, nf.NFT_REG_VERDICT);
      const data = writer.beginNest(nf.NFTA_IMMEDIATE_DATA);
      writeVerdict(writer, expression.verdict);
      writer.endNest(data);
      return;
    }
    default:
      expression satisfies never;
  }
}

function writeValue(writer: MessageWriter, type: number, value: Uint8Array): void {
  const nest = writer.beginNest(type);
  writer.attribute(nf.NFTA_DATA_VALUE, value);
  writer.endNest(nest);
}

const verdictCodes: Readonly<Record<Verdict['kind'], number>> = {
  accept: nf.NF_ACCEPT,
  drop: nf.NF_DROP,
  return: nf.NFT_RETURN,
  jump: nf.NFT_JUMP,
  goto: nf.NFT_GOTO,
};

function writeVerdict(writer: MessageWriter, verdict: Verdict): void {
  const nest = writer.beginNest(nf.NFTA_DATA_VERDICT);
  writer.u32be(nf.NFTA_VERDICT_CODE, verdictCodes[verdict.kind]);
  if ('chain' in verdict) writer.string(nf.NFTA_VERDICT_CHAIN, verdict.chain);
  writer.endNest(nest);
}
