// What `gantry migrate` says of one object: whether anything is otherwise with Gantry than it is with MetalLB.

/** `note`: nothing changes, but one should know, or do something. */
export type Verdict = 'same' | 'note' | 'changes';

export interface Finding {
  /** Such as `IPAddressPool lan` or `Service shop/web`. */
  readonly object: string;
  readonly verdict: Verdict;
  /** A sentence; what is to be done about it comes last. */
  readonly message: string;
}

export const finding = (object: string, verdict: Verdict, message: string): Finding => ({
  object,
  verdict,
  message,
});
