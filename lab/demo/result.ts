// What the demo measured, as its one line of JSON.

export interface DemoResult {
  readonly ok: boolean;
  /** `namespace/name`. */
  readonly service: string;
  readonly addresses: readonly string[];
  readonly ownerBefore: string;
  readonly ownerAfter: string;
  /** From the Service's file being written to its first answer at the client. */
  readonly firstAnswerMs: number;
  /** The longest time that the client was without an answer while the owner died. */
  readonly outageMs: { readonly ipv4: number; readonly ipv6: number };
  /** New connections and datagrams around the owner's death, and how many of them got no answer. */
  readonly requests: number;
  readonly failed: number;
}
