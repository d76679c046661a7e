// Operations as nf_tables' netlink messages, all on one table.

import { type MessageWriter, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../../linux/netlink-message.ts';
import * as nf from '../../linux/nf-tables.ts';
import { beginNetfilterMessage } from '../../linux/nfnetlink.ts';
import { writeElements } from './kernel-elements.ts';
import { writeExpression } from './kernel-expression.ts';
import {
  type BaseChain,
  type FieldType,
  fieldLength,
  type Operation,
  paddedLength,
  type SetDefinition,
} from './operation.ts';

/** Tables of different families may have the same name. */
export interface TableId {
  readonly family: 'inet' | 'ip' | 'ip6';
  readonly name: string;
}

const protocols = { inet: nf.NFPROTO_INET, ip: nf.NFPROTO_IPV4, ip6: nf.NFPROTO_IPV6 };

/** Begins a message on a table. */
export function beginMessage(
  writer: MessageWriter,
  { family }: TableId,
  type: number,
  flags: number,
  sequence: number,
): void {
  beginNetfilterMessage(writer, {
    subsystem: nf.NFNL_SUBSYS_NFTABLES,
    type,
    flags,
    sequence,
    family: protocols[family],
  });
}

/** Writes an operation's messages, numbered from `sequence` on; returns how many. */
export function writeOperation(
  writer: MessageWriter,
  table: TableId,
  operation: Operation,
  sequence: number,
): number {
  const add = NLM_F_CREATE | NLM_F_EXCL;
  let messages = 1;
  switch (operation.op) {
    case 'add-table':
      beginMessage(writer, table, nf.NFT_MSG_NEWTABLE, add, sequence);
      writer.string(nf.NFTA_TABLE_NAME, table.name);
      break;
    case 'delete-table':
      beginMessage(writer, table, nf.NFT_MSG_DELTABLE, 0, sequence);
      writer.string(nf.NFTA_TABLE_NAME, table.name);
      break;
    case 'add-chain':
      beginMessage(writer, table, nf.NFT_MSG_NEWCHAIN, add, sequence);
      writer.string(nf.NFTA_CHAIN_TABLE, table.name);
      writer.string(nf.NFTA_CHAIN_NAME, operation.chain);
      if (operation.base !== undefined) writeBaseChain(writer, operation.base);
      break;
    case 'delete-chain':
      beginMessage(writer, table, nf.NFT_MSG_DELCHAIN, 0, sequence);
      writer.string(nf.NFTA_CHAIN_TABLE, table.name);
      writer.string(nf.NFTA_CHAIN_NAME, operation.chain);
      break;
    case 'flush-chain':
      beginMessage(writer, table, nf.NFT_MSG_DELRULE, 0, sequence);
      writer.string(nf.NFTA_RULE_TABLE, table.name);
      writer.string(nf.NFTA_RULE_CHAIN, operation.chain);
      break;
    case 'add-rule': {
      beginMessage(writer, table, nf.NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, sequence);
      writer.string(nf.NFTA_RULE_TABLE, table.name);
      writer.string(nf.NFTA_RULE_CHAIN, operation.chain);
      const list = writer.beginNest(nf.NFTA_RULE_EXPRESSIONS);
      for (const expression of operation.expressions) writeExpression(writer, expression);
      writer.endNest(list);
      break;
    }
    case 'add-set':
      beginMessage(writer, table, nf.NFT_MSG_NEWSET, add, sequence);
      writeSet(writer, table, operation.set, sequence);
      break;
    case 'delete-set':
      beginMessage(writer, table, nf.NFT_MSG_DELSET, 0, sequence);
      writer.string(nf.NFTA_SET_TABLE, table.name);
      writer.string(nf.NFTA_SET_NAME, operation.set);
      break;
    case 'add-elements':
    case 'delete-elements': {
      const adds = operation.op === 'add-elements';
      const type = adds ? nf.NFT_MSG_NEWSETELEM : nf.NFT_MSG_DELSETELEM;
      messages = writeElements(writer, operation.elements, adds, (message) => {
        beginMessage(writer, table, type, adds ? add : 0, sequence + message);
        writer.string(nf.NFTA_SET_ELEM_LIST_TABLE, table.name);
        writer.string(nf.NFTA_SET_ELEM_LIST_SET, operation.set);
      });
      if (messages === 0) return 0;
      break;
    }
    default:
      operation satisfies never;
  }
  writer.end();
  return messages;
}

const hooks = {
  prerouting: nf.NF_INET_PRE_ROUTING,
  forward: nf.NF_INET_FORWARD,
  output: nf.NF_INET_LOCAL_OUT,
  postrouting: nf.NF_INET_POST_ROUTING,
};

function writeBaseChain(writer: MessageWriter, base: BaseChain): void {
  const hook = writer.beginNest(nf.NFTA_CHAIN_HOOK);
  writer.u32be(nf.NFTA_HOOK_HOOKNUM, hooks[base.hook]);
  // A negative priority is the same 32 bits as its unsigned counterpart.
  writer.u32be(nf.NFTA_HOOK_PRIORITY, base.priority >>> 0);
  writer.endNest(hook);
  writer.u32be(nf.NFTA_CHAIN_POLICY, nf.NF_ACCEPT);
  writer.string(nf.NFTA_CHAIN_TYPE, base.type);
}

/** How nft numbers the types that it shows (its enum datatypes); fields of a concatenation take six bits each. */
const typeNumbers: Readonly<Record<FieldType, number>> = {
  ipv4_addr: 7,
  ipv6_addr: 8,
  inet_proto: 12,
  inet_service: 13,
  mark: 19,
};

const typeNumber = (fields: readonly FieldType[]): number =>
  fields.reduce((number, field) => (number << 6) | typeNumbers[field], 0);

/** `id` tells sets of one transaction apart; they are referred to by name, so any number will do. */
function writeSet(writer: MessageWriter, table: TableId, set: SetDefinition, id: number): void {
  const { data, timeoutSeconds } = set;
  writer.string(nf.NFTA_SET_TABLE, table.name);
  writer.string(nf.NFTA_SET_NAME, set.name);
  writer.u32be(nf.NFTA_SET_ID, id);
  writer.u32be(
    nf.NFTA_SET_FLAGS,
    (data === undefined ? 0 : nf.NFT_SET_MAP) |
      (set.ranges ? nf.NFT_SET_INTERVAL | nf.NFT_SET_CONCAT : 0) |
      (timeoutSeconds === undefined ? 0 : nf.NFT_SET_TIMEOUT | nf.NFT_SET_EVAL),
  );
  writer.u32be(nf.NFTA_SET_KEY_TYPE, typeNumber(set.key));
  writer.u32be(nf.NFTA_SET_KEY_LEN, paddedLength(set.key));
  if (data === 'verdict') writer.u32be(nf.NFTA_SET_DATA_TYPE, nf.NFT_DATA_VERDICT);
  else if (data !== undefined) {
    writer.u32be(nf.NFTA_SET_DATA_TYPE, typeNumber(data));
    writer.u32be(nf.NFTA_SET_DATA_LEN, paddedLength(data));
  }
  if (timeoutSeconds !== undefined) writer.u64be(nf.NFTA_SET_TIMEOUT, BigInt(timeoutSeconds) * 1000n);
  if (set.ranges) {
    const description = writer.beginNest(nf.NFTA_SET_DESC);
    writeFieldLengths(writer, set.key);
    writer.endNest(description);
  }
}

function writeFieldLengths(writer: MessageWriter, fields: readonly FieldType[]): void {
  const list = writer.beginNest(nf.NFTA_SET_DESC_CONCAT);
  for (const field of fields) {
    const element = writer.beginNest(nf.NFTA_LIST_ELEM);
    writer.u32be(nf.NFTA_SET_FIELD_LEN, fieldLength[field]);
    writer.endNest(element);
  }
  writer.endNest(list);
}
