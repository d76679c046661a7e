// The kernel's nf_tables, spoken to over netlink.
import { errnoName, SystemError } from '../../linux/errno.ts';
import { NETLINK_NETFILTER, type NetlinkSocket, openNetlink } from '../../linux/netlink.ts';
import {
  attributeMap,
  MessageWriter,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  readString,
  readUnsignedBe,
} from '../../linux/netlink-message.ts';
import * as nf from '../../linux/nf-tables.ts';
import { beginBatch, dump, endBatch, nfGenLength, transact } from '../../linux/nfnetlink.ts';
import { readElementList } from './kernel-elements.ts';
import { beginMessage, type TableId, writeOperation } from './kernel-operation.ts';
import type { CommitResult, NftablesPort } from './port.ts';

/** A transaction must fit the socket's buffer: room for some 500,000 elements, less where the user may not force it. */
const bufferBytes = 32 << 20;

/** Opens a table of the calling thread's network namespace, by default `inet gantry`. Throws SystemError. */
export function openNftables(table: TableId = { family: 'inet', name: 'gantry' }): NftablesPort {
  const netlink = openNetlink({ protocol: NETLINK_NETFILTER, bufferBytes });
  const writer = new MessageWriter(64 << 10);
  let sequence = 0;

  /** Dumps what is in our table; nothing where there is no table. */
  function* dumpTable(what: string, type: number, write: () => void): Generator<readonly NetlinkMessage[]> {
    writer.reset();
    beginMessage(writer, table, type, NLM_F_DUMP, ++sequence);
    write();
    writer.end();
    yield* dump(netlink, what, writer.bytes);
  }

  function isThere(): boolean {
    for (const messages of dumpTable('list tables', nf.NFT_MSG_GETTABLE, () => {})) {
      for (const { payload } of messages)
        if (readString(attributeMap(payload, nfGenLength).get(nf.NFTA_TABLE_NAME)) === table.name)
          return true;
    }
    return false;
  }

  return {
    commit(operations) {
      const first = sequence;
      writer.reset();
      beginBatch(writer, nf.NFNL_SUBSYS_NFTABLES, first);
      const owners: number[] = [];
      for (const [index, operation] of operations.entries()) {
        const count = writeOperation(writer, table, operation, first + 1 + owners.length);
        for (let message = 0; message < count; message++) owners.push(index);
      }
      if (owners.length > 0) writer.addFlags(NLM_F_ACK);
      endBatch(writer, nf.NFNL_SUBSYS_NFTABLES, first + 1 + owners.length);
      sequence = first + 2 + owners.length;
      return send(netlink, writer.bytes, first, owners);
    },

    chains() {
      const rules = new Map<string, number>();
      for (const messages of dumpTable('list chains', nf.NFT_MSG_GETCHAIN, () =>
        writer.string(nf.NFTA_CHAIN_TABLE, table.name),
      )) {
        for (const { payload } of messages) {
          const attributes = attributeMap(payload, nfGenLength);
          if (readString(attributes.get(nf.NFTA_CHAIN_TABLE)) === table.name)
            rules.set(readString(attributes.get(nf.NFTA_CHAIN_NAME)), 0);
        }
      }
      if (rules.size === 0 && !isThere()) return undefined;
      for (const messages of dumpTable('list rules', nf.NFT_MSG_GETRULE, () =>
        writer.string(nf.NFTA_RULE_TABLE, table.name),
      )) {
        for (const { payload } of messages) {
          const chain = readString(attributeMap(payload, nfGenLength).get(nf.NFTA_RULE_CHAIN));
          rules.set(chain, (rules.get(chain) ?? 0) + 1);
        }
      }
      return rules;
    },

    sets() {
      const names: string[] = [];
      for (const messages of dumpTable('list sets', nf.NFT_MSG_GETSET, () =>
        writer.string(nf.NFTA_SET_TABLE, table.name),
      )) {
        for (const { payload } of messages)
          names.push(readString(attributeMap(payload, nfGenLength).get(nf.NFTA_SET_NAME)));
      }
      return names;
    },

    *elements(set) {
      const parts = dumpTable(`list set ${set.name}`, nf.NFT_MSG_GETSETELEM, () => {
        writer.string(nf.NFTA_SET_ELEM_LIST_TABLE, table.name);
        writer.string(nf.NFTA_SET_ELEM_LIST_SET, set.name);
      });
      for (const messages of parts)
        yield messages.flatMap(({ payload }) => [...readElementList(payload, nfGenLength)]);
    },

    generation() {
      writer.reset();
      beginMessage(writer, table, nf.NFT_MSG_GETGEN, 0, ++sequence);
      writer.end();
      netlink.send(writer.bytes);
      const answer = netlink.receive()?.[0];
      if (answer === undefined) throw new SystemError('get generation', 0, 'the kernel sent no answer');
      return readUnsignedBe(attributeMap(answer.payload, nfGenLength).get(nf.NFTA_GEN_ID));
    },

    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

/**
 * The kernel goes on after the first refusal and reports each; the first is what matters. `owners` has the operation
 * that each message belongs to; the batch's own sequence number stands for the transaction as a whole.
 */
function send(
  netlink: NetlinkSocket,
  bytes: Uint8Array,
  batchSequence: number,
  owners: readonly number[],
): CommitResult {
  let acknowledged = owners.length === 0;
  try {
    for (const { sequence, errno, detail } of transact(netlink, bytes)) {
      const operation = owners[sequence - batchSequence - 1];
      if (errno !== 0) return { ok: false, operation, code: errnoName(errno), detail };
      if (operation !== undefined) acknowledged = true;
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { ok: false, operation: undefined, code: error.code, detail: error.message };
  }
  return acknowledged
    ? { ok: true }
    : { ok: false, operation: undefined, code: 'EIO', detail: 'the kernel acknowledged nothing' };
}
