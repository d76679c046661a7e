// This machine as a Node, for a folder that has no Node object: then it describes this machine alone.
import { networkInterfaces } from 'node:os';
import { type Address, parseAddress } from '../model/address.ts';
import type { Node } from '../model/node.ts';

export const loneNode = (name: string, addresses: readonly Address[] = []): Node => ({
  name,
  labels: { 'kubernetes.io/hostname': name },
  addresses,
  podCidrs: [],
  networkUnavailable: false,
  isMember: true,
});

/** The addresses that other machines may know this one by. */
export const ownAddresses = (): Address[] =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
    .flatMap(({ address }) => parseAddress(address) ?? []);
