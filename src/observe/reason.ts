// Why a program cannot be observed: the reasons of its HTTP listener and their sentences.
import { type Sentences, sentence } from '../model/reason.ts';

export type ListenReason =
  | { readonly kind: 'address-in-use'; readonly address: string }
  | { readonly kind: 'address-not-local'; readonly address: string }
  | { readonly kind: 'port-privileged'; readonly address: string }
  | { readonly kind: 'listen-failed'; readonly address: string; readonly code: string };

const sentences: Sentences<ListenReason> = {
  'address-in-use': ({ address }) =>
    `Another process listens on ${address}; stop it, or give --http another address or port.`,
  'address-not-local': ({ address }) =>
    `This machine does not have the address of ${address}; give --http one that it has.`,
  'port-privileged': ({ address }) =>
    `Listening on ${address} needs root or CAP_NET_BIND_SERVICE; give --http a port above 1023.`,
  'listen-failed': ({ address, code }) =>
    `Listening on ${address} failed (${code}); give --http another address or port.`,
};

/** What is wrong, and what to do about it. */
export const listenSentence = (reason: ListenReason): string => sentence(sentences, reason);
