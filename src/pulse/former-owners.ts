// The nodes that had this node's addresses before and still know their connections: what of those arrives here is passed
// back to them by the kernel.
import type { NodeInterface } from '../announce/layer2/interfaces.ts';
import {
  addFormerOwners,
  type FormerOwner,
  formerOwnerTable,
  formerShareOwners,
  removeFormerOwners,
} from '../dataplane/nftables/former-owner.ts';
import { openNftables } from '../dataplane/nftables/kernel.ts';
import type { TableId } from '../dataplane/nftables/kernel-operation.ts';
import type { NftablesPort } from '../dataplane/nftables/port.ts';
import { SystemError } from '../linux/errno.ts';
import { cidrContains, type Family, formatAddress, parseAddress } from '../model/address.ts';
import { holdingKey, parseHolding } from '../model/share.ts';
import type { Log } from '../observe/log.ts';
import type { LinkMember } from './link.ts';

/** The port to whatever passes packets back. Nothing it cannot do stops a pulse: then a move breaks connections. */
export interface FormerOwners extends Disposable {
  /** Until each is stopped, what is in the middle of a connection to the address goes to its node. On return it does. */
  passBack(entries: readonly FormerOwner[]): void;
  /** What has these keys is not this node's any more, or the former owners are dead. */
  stop(keys: Iterable<string>): void;
  /** Leaves what there is to a successor. */
  leaveBehind(): void;
}

/** Undefined where the node has no address of the same family on a link of ours: a router would send it back. */
export function formerOwnerOf(
  key: string,
  members: readonly LinkMember[],
  node: string,
  interfaces: readonly NodeInterface[],
): FormerOwner | undefined {
  const holding = parseHolding(key);
  const subnets = interfaces.filter(({ up }) => up).flatMap((one) => one.subnets);
  const nextHop = members
    .find(({ name }) => name === node)
    ?.addresses.map(parseAddress)
    .find(
      (one) =>
        one?.family === holding?.address.family && subnets.some((subnet) => one && cidrContains(subnet, one)),
    );
  return holding === undefined || nextHop === undefined ? undefined : { ...holding, node: nextHop };
}

export function createKernelFormerOwners(log: Log): FormerOwners {
  const families: readonly FamilyTable[] = (['IPv4', 'IPv6'] as const).flatMap((family) => {
    try {
      return [createFamilyTable(family, log)];
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      log.warn('connections-not-kept', {
        family,
        error,
        next: 'Let pulse program nftables (CAP_NET_ADMIN, the kernel module nft_dup): until then a hand-over of an address breaks the connections to it.',
      });
      return [];
    }
  });
  const note = (error: string | undefined): void => {
    if (error !== undefined)
      log.warn('connections-not-kept', { error, next: 'Connections to the addresses that moved break.' });
  };
  return {
    passBack(entries) {
      for (const table of families)
        note(table.passBack(entries.filter(({ address }) => address.family === table.family)));
    },
    stop(keys) {
      for (const table of families) note(table.stop(keys));
    },
    leaveBehind() {
      for (const table of families) table.leaveBehind();
    },
    [Symbol.dispose]() {
      for (const table of families) table[Symbol.dispose]();
    },
  };
}

const tableOf = (family: Family): TableId => ({
  family: family === 'IPv4' ? 'ip' : 'ip6',
  name: 'gantry-former',
});

/** What a pulse that was killed has left. Throws SystemError. */
export function removeFormerOwnerTables(): void {
  for (const family of ['IPv4', 'IPv6'] as const) {
    using port = openNftables(tableOf(family));
    if (port.chains() !== undefined) port.commit([{ op: 'delete-table' }]);
  }
}

interface FamilyTable extends Disposable {
  readonly family: Family;
  /** What the kernel has against it, if anything. */
  passBack(entries: readonly FormerOwner[]): string | undefined;
  stop(keys: Iterable<string>): string | undefined;
  leaveBehind(): void;
}

/** Made anew: what a pulse before left behind is not known, and a heir makes it again from its estate. */
function createFamilyTable(family: Family, log: Log): FamilyTable {
  const port = openNftables(tableOf(family));
  const isThere = port.chains() !== undefined;
  const made = port.commit([
    ...(isThere ? [{ op: 'delete-table' } as const] : []),
    ...formerOwnerTable(family),
  ]);
  if (!made.ok) {
    port[Symbol.dispose]();
    throw new SystemError('nftables', 0, `${made.code} ${made.detail}`.trim());
  }
  const shares = port.commit(formerShareOwners(family));
  if (!shares.ok)
    log.warn('connections-not-kept', {
      family,
      error: `${shares.code} ${shares.detail}`.trim(),
      next: 'Let the kernel load nft_hash: until then a hand-over of a share of a spread address breaks its connections.',
    });
  const entries = new Map<string, FormerOwner>();
  let isLeftBehind = false;
  const commit = (operations: Parameters<NftablesPort['commit']>[0]): string | undefined => {
    const result = port.commit(operations);
    return result.ok ? undefined : `${result.code} ${result.detail}`.trim();
  };
  const take = (keys: Iterable<string>): FormerOwner[] =>
    [...keys].flatMap((key) => {
      const entry = entries.get(key);
      entries.delete(key);
      return entry ?? [];
    });
  return {
    family,
    passBack(added) {
      const possible = added.filter(({ share }) => share === undefined || shares.ok);
      if (possible.length === 0) return undefined;
      const keyed = new Map(
        possible.map((entry) => [holdingKey(formatAddress(entry.address), entry.share), entry]),
      );
      const replaced = take(keyed.keys());
      for (const [key, entry] of keyed) entries.set(key, entry);
      return commit([...removeFormerOwners(replaced), ...addFormerOwners([...keyed.values()])]);
    },
    stop(keys) {
      const removed = take(keys);
      return removed.length === 0 ? undefined : commit(removeFormerOwners(removed));
    },
    leaveBehind() {
      isLeftBehind = true;
    },
    [Symbol.dispose]() {
      if (!isLeftBehind) port.commit([{ op: 'delete-table' }]);
      port[Symbol.dispose]();
    },
  };
}
