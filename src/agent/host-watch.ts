// Looks at the host from time to time, and says what is new in the findings.
import type { Log } from '../observe/log.ts';
import { checkHost, type HostContext, type HostFacts, type HostFinding } from './host-check.ts';
import { hostSentence } from './reason.ts';

export interface HostWatchOptions {
  readonly readProcFacts: () => Promise<Omit<HostFacts, 'forwardChains'>>;
  readonly readForwardChains: (signal: AbortSignal) => Promise<HostFacts['forwardChains']>;
  readonly context: () => HostContext;
  readonly log: Log;
  /** The findings are others than before. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

export interface HostWatch {
  readonly findings: readonly HostFinding[];
  /** Reads the facts again, and judges. */
  look(): void;
  /** Judges what was read last: what the host is used for may be something else now. */
  judge(): void;
}

const lookEveryMilliseconds = 10_000;
/** Listing chains runs nft, and costs what other programs have put there. */
const listChainsEveryMilliseconds = 60_000;

export function watchHost(options: HostWatchOptions): HostWatch {
  const { log, signal } = options;
  let findings: readonly HostFinding[] = [];
  let known = new Set<string>();
  let facts: HostFacts | undefined;
  let forwardChains: HostFacts['forwardChains'];
  let listAgainAt = 0;
  let isLooking = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    if (isLooking || signal.aborted) return;
    isLooking = true;
    if (performance.now() >= listAgainAt) {
      listAgainAt = performance.now() + listChainsEveryMilliseconds;
      forwardChains = await options.readForwardChains(signal);
    }
    facts = { ...(await options.readProcFacts()), forwardChains };
    isLooking = false;
    if (signal.aborted) return;
    judge();
    clearTimeout(timer);
    timer = setTimeout(() => void look(), lookEveryMilliseconds);
    timer.unref();
  };

  const judge = (): void => {
    if (facts === undefined) return;
    const next = checkHost(facts, options.context());
    findings = next;
    const texts = new Map(next.map((finding) => [hostSentence(finding.reason), finding]));
    for (const [text, { reason, severity }] of texts) {
      if (!known.has(text)) log.warn('host-finding', { kind: reason.kind, severity, next: text });
    }
    const isSame = texts.size === known.size && [...texts.keys()].every((text) => known.has(text));
    known = new Set(texts.keys());
    if (!isSame) options.changed();
  };

  signal.addEventListener('abort', () => clearTimeout(timer));
  return {
    get findings() {
      return findings;
    },
    look: () => void look(),
    judge,
  };
}
