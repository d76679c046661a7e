// Rendezvous hashing (highest random weight): every node ranks the others for an address alike, without asking.

/**
 * A 64-bit score of (node, address). FNV-1a over both names' UTF-16 units, then the finalizer of SplitMix64, since
 * FNV's high bits depend too little on the last characters.
 */
export function rendezvousScore(node: string, address: string): bigint {
  let hash = fnv1a(0xcbf29ce484222325n, node);
  hash = fnv1a(hash ^ 0xffn, address);
  hash = BigInt.asUintN(64, (hash ^ (hash >> 30n)) * 0xbf58476d1ce4e5b9n);
  hash = BigInt.asUintN(64, (hash ^ (hash >> 27n)) * 0x94d049bb133111ebn);
  return hash ^ (hash >> 31n);
}

function fnv1a(seed: bigint, text: string): bigint {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  }
  return hash;
}
