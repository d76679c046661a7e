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
  /** What is judged has changed, so look again soon. */
  look(): void;
}

const lookEveryMilliseconds = 60_000;
/** Listing chains runs nft, and costs what other programs have put there. */
const listChainsEveryMilliseconds = 600_000;

export function watchHost(options: HostWatchOptions): HostWatch {
  const { log, signal } = options;
  let findings: readonly HostFinding[] = [];
  let known = new Set<string>();
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
    const facts = { ...(await options.readProcFacts()), forwardChains };
    isLooking = false;
    if (signal.aborted) return;
    take(checkHost(facts, options.context()));
    clearTimeout(timer);
    timer = setTimeout(() => void look(), lookEveryMilliseconds);
    timer.unref();
  };

  const take = (next: readonly HostFinding[]): void => {
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
  };
}
