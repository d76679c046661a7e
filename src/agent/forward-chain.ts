// Other programs' nftables chains at the forward hook, iptables-nft's included: what drops packets after our rules
// have sent them on their way.
import { isRecord } from '../api/record.ts';

export interface ForwardChain {
  readonly family: 'ip' | 'ip6' | 'inet';
  readonly table: string;
  readonly chain: string;
  /** What drops the packets that no other rule decides about; undefined: they pass. */
  readonly drops: 'policy' | 'last-rule' | undefined;
  /** Rules beside the one that drops. */
  readonly otherRules: number;
  /** A rule accepts whatever had its destination translated: Gantry's packets among it. */
  readonly acceptsTranslated: boolean;
}

/** A base chain at the forward hook, by the names that nft knows it by. */
export interface ForwardHook {
  readonly family: 'ip' | 'ip6' | 'inet';
  readonly table: string;
  readonly chain: string;
  readonly policy: 'accept' | 'drop';
}

/**
 * Finds the forward hooks in what `nft list chains` prints, a line at a time: a Service proxy may have a hundred
 * thousand chains, too many to hold as JSON.
 */
export function forwardHookFinder(): { line(text: string): void; readonly found: readonly ForwardHook[] } {
  const found: ForwardHook[] = [];
  let table: readonly [family: string, name: string] | undefined;
  let chain: string | undefined;
  return {
    found,
    line(text) {
      const opened = /^table (\S+) (.+) \{$/.exec(text);
      if (opened?.[1] !== undefined && opened[2] !== undefined) table = [opened[1], opened[2]];
      chain = /^\s+chain (.+) \{/.exec(text)?.[1] ?? chain;
      if (table === undefined || chain === undefined || !/^\s+type filter hook forward /.test(text)) return;
      const [family, name] = table;
      if (family !== 'ip' && family !== 'ip6' && family !== 'inet') return;
      found.push({ family, table: name, chain, policy: /policy drop;/.test(text) ? 'drop' : 'accept' });
    },
  };
}

/** Judges the chain by its rules, as `nft -j list chain` prints them. */
export function forwardChain(hook: ForwardHook, listing: unknown): ForwardChain {
  const rules = rulesOf(listing);
  const endsInDrop = rules.at(-1)?.drops === true;
  const { family, table, chain, policy } = hook;
  return {
    family,
    table,
    chain,
    drops: endsInDrop ? 'last-rule' : policy === 'drop' ? 'policy' : undefined,
    otherRules: rules.length - (endsInDrop ? 1 : 0),
    acceptsTranslated: rules.some((rule) => rule.acceptsTranslated),
  };
}

interface Rule {
  /** Whatever comes to it. */
  readonly drops: boolean;
  readonly acceptsTranslated: boolean;
}

function rulesOf(listing: unknown): Rule[] {
  const items = isRecord(listing) && Array.isArray(listing['nftables']) ? listing['nftables'] : [];
  return items.flatMap((item: unknown) => {
    const rule = isRecord(item) ? item['rule'] : undefined;
    const statements = isRecord(rule) && Array.isArray(rule['expr']) ? rule['expr'] : undefined;
    return statements === undefined ? [] : [judgeRule(statements.filter(isRecord))];
  });
}

/** A rule without a condition has nothing but these statements and its verdict. */
const harmless = ['counter', 'log'];

function judgeRule(statements: readonly Readonly<Record<string, unknown>>[]): Rule {
  const parts = statements
    .flatMap((statement) => Object.entries(statement))
    .filter(([name]) => !harmless.includes(name));
  const [first, second] = parts;
  const isAlone = parts.length === 1;
  return {
    drops: isAlone && (first?.[0] === 'drop' || first?.[0] === 'reject'),
    acceptsTranslated:
      (isAlone && first?.[0] === 'accept') ||
      (parts.length === 2 &&
        first?.[0] === 'match' &&
        second?.[0] === 'accept' &&
        /"key":"status"\}\},"right":\[?"dnat"/.test(JSON.stringify(first[1]))),
  };
}
