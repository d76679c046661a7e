// Whether this node is cut off on a segment on which heartbeats do not run: members say hello there, and whom they hear.
// Who hears, and is heard by, less than half of those that were on the segment takes its own link for down, so that the
// others are elected for what it announced there. Pure but for the state it is given; time is milliseconds of any steady
// clock. It decides who is wanted, not who may speak: that takes leases, as ever.

/** What a member says on a segment. */
export interface Hello {
  readonly from: string;
  /** The sender's start; grows. */
  readonly bootId: bigint;
  /** Grows with each hello of that start. */
  readonly sequence: number;
  /** The sender's own interface there. */
  readonly interfaceName: string;
  /** Whom the sender hears on the segment. */
  readonly hears: readonly string[];
}

interface Neighbour {
  bootId: bigint;
  sequence: number;
  lastHeard: number;
  /** Its own. */
  interfaceName: string;
  hearsUs: boolean;
  /** It has heard this node since it started: until then it is not missed. */
  isKnown: boolean;
}

interface SegmentState {
  /** Members that were heard on this segment since it came up. */
  readonly neighbours: Map<string, Neighbour>;
  isCut: boolean;
  /** Since when enough are heard again. */
  wholeSince: number | undefined;
}

export interface SegmentWatch {
  readonly self: string;
  judgedAt: number | undefined;
  readonly segments: Map<string, SegmentState>;
}

/** Between two hellos. */
export const helloMilliseconds = 50;
/** Who was not heard for so long is not heard: three hellos may be lost. */
const patienceMilliseconds = 200;
/** A link that was cut counts again when it has been whole for so long. */
const settledMilliseconds = 1000;

export const createSegmentWatch = (self: string): SegmentWatch => ({
  self,
  judgedAt: undefined,
  segments: new Map(),
});

/** The interfaces to watch from now on; what is known of those that stay is kept. */
export function setSegments({ segments }: SegmentWatch, interfaceNames: readonly string[]): void {
  for (const name of segments.keys()) if (!interfaceNames.includes(name)) segments.delete(name);
  for (const name of interfaceNames) {
    if (!segments.has(name))
      segments.set(name, { neighbours: new Map(), isCut: false, wholeSince: undefined });
  }
}

/** Whom this node hears on the segment: what its hello says. */
export const heardOn = ({ segments }: SegmentWatch, interfaceName: string, now: number): string[] =>
  [...(segments.get(interfaceName)?.neighbours ?? [])]
    .filter(([, { lastHeard }]) => now - lastHeard <= patienceMilliseconds)
    .map(([name]) => name);

/** False: it is not believed, because it is an old one, or our own. */
export function hearHello(watch: SegmentWatch, interfaceName: string, hello: Hello, now: number): boolean {
  const segment = watch.segments.get(interfaceName);
  if (segment === undefined || hello.from === watch.self) return false;
  const before = segment.neighbours.get(hello.from);
  const isOld =
    before !== undefined &&
    (hello.bootId < before.bootId || (hello.bootId === before.bootId && hello.sequence <= before.sequence));
  if (isOld) return false;
  const hearsUs = hello.hears.includes(watch.self);
  const wasKnown = before?.bootId === hello.bootId && before.isKnown;
  segment.neighbours.set(hello.from, {
    bootId: hello.bootId,
    sequence: hello.sequence,
    lastHeard: now,
    interfaceName: hello.interfaceName,
    hearsUs,
    isKnown: wasKnown || hearsUs,
  });
  return true;
}

/**
 * Judges every segment. `isThere`: the member lives, and this interface of its is up as far as it says itself. Returns
 * the interfaces whose state has changed.
 */
export function judgeSegments(
  watch: SegmentWatch,
  isThere: (member: string, interfaceName: string) => boolean,
  now: number,
): { readonly interfaceName: string; readonly isCut: boolean; readonly missing: readonly string[] }[] {
  excuseOwnLateness(watch, now);
  const { segments } = watch;
  const changed: { interfaceName: string; isCut: boolean; missing: string[] }[] = [];
  for (const [interfaceName, segment] of segments) {
    const expected = [...segment.neighbours].filter(
      ([name, { interfaceName: theirs, isKnown }]) => isKnown && isThere(name, theirs),
    );
    const missing = expected
      .filter(([, { lastHeard, hearsUs }]) => !hearsUs || now - lastHeard > patienceMilliseconds)
      .map(([name]) => name);
    // This node, and those with which it hears each other; of this node and all. Halves are left as they are.
    const isWhole = 2 * (1 + expected.length - missing.length) >= 1 + expected.length;
    if (!isWhole) segment.wholeSince = undefined;
    else segment.wholeSince ??= now;
    const isSettled = segment.wholeSince !== undefined && now - segment.wholeSince >= settledMilliseconds;
    const isCut = segment.isCut ? !isSettled : !isWhole;
    if (isCut === segment.isCut) continue;
    segment.isCut = isCut;
    changed.push({ interfaceName, isCut, missing });
  }
  return changed;
}

/** What others said while this node was late waits in its sockets. */
function excuseOwnLateness(watch: SegmentWatch, now: number): void {
  const late = now - (watch.judgedAt ?? now) - helloMilliseconds;
  watch.judgedAt = now;
  if (late <= helloMilliseconds) return;
  for (const { neighbours } of watch.segments.values())
    for (const neighbour of neighbours.values()) neighbour.lastHeard += late;
}

export const isCutOff = ({ segments }: SegmentWatch, interfaceName: string): boolean =>
  segments.get(interfaceName)?.isCut === true;
