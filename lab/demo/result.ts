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

/** Owners are all that announce, with commas between. */
export interface BgpDemoResult extends DemoResult {
  /** The node that died. */
  readonly killed: string;
  /** By the router's own table. */
  readonly nextHops: {
    readonly before: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
    readonly after: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  };
  /** Answers before the death, by the node that gave them. */
  readonly spread: Readonly<Record<string, number>>;
  /** From the death to the router's table without the node, as often as it was looked at. */
  readonly withdrawnMs: number;
  /** Clients with a path through the node that died, which others answered then. */
  readonly flowsMoved: number;
}
