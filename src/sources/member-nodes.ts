// On which nodes Gantry runs, by its pods: a node whose pod is replaced stays a member meanwhile.

export interface MemberNodes {
  readonly nodes: ReadonlySet<string>;
  /** The pod is on this node; undefined: on none yet, or it has ended. */
  put(pod: string, node: string | undefined): void;
  remove(pod: string): void;
}

export interface MemberNodesOptions {
  /** How long a node without a pod is a member yet. */
  readonly lingerMilliseconds: number;
  /** The nodes are others now. Not called from within `put` and `remove`. */
  readonly expired: () => void;
}

export function createMemberNodes({ lingerMilliseconds, expired }: MemberNodesOptions): MemberNodes {
  const nodeOfPod = new Map<string, string>();
  const nodes = new Set<string>();

  const leave = (node: string): void => {
    const isThere = [...nodeOfPod.values()].includes(node);
    if (!isThere && nodes.delete(node)) expired();
  };

  const remove = (pod: string): void => {
    const node = nodeOfPod.get(pod);
    if (node === undefined) return;
    nodeOfPod.delete(pod);
    setTimeout(leave, lingerMilliseconds, node).unref();
  };

  return {
    nodes,
    remove,
    put(pod, node) {
      if (nodeOfPod.get(pod) === node) return;
      remove(pod);
      if (node === undefined) return;
      nodeOfPod.set(pod, node);
      nodes.add(node);
    },
  };
}
