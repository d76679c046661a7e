// Tests of reading forward chains from what nft prints.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ForwardHook, forwardChain, forwardHookFinder } from './forward-chain.ts';

test('base chains at the forward hook are found with family, table, chain and policy', () => {
  const finder = forwardHookFinder();
  const listing = `table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
	chain other {
	}
	chain INPUT {
		type filter hook input priority filter + 10; policy drop;
	}
}
table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
	}
}
table bridge b {
	chain F {
		type filter hook forward priority 10; policy drop;
	}
}`;
  for (const line of listing.split('\n')) finder.line(line);
  assert.deepEqual(finder.found, [
    { family: 'ip', table: 'filter', chain: 'FORWARD', policy: 'drop' },
    { family: 'inet', table: 'firewalld', chain: 'filter_FORWARD', policy: 'accept' },
  ]);
});

const hook = (policy: 'accept' | 'drop'): ForwardHook => ({
  family: 'inet',
  table: 'filter',
  chain: 'forward',
  policy,
});
const established = { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'established' } };
const translated = { match: { op: 'in', left: { ct: { key: 'status' } }, right: 'dnat' } };
const counter = { counter: { packets: 0, bytes: 0 } };

const listing = (...rules: object[][]) => ({
  nftables: [{ metainfo: {} }, { chain: {} }, ...rules.map((expr) => ({ rule: { expr } }))],
});

test('a chain drops by its policy, or by a last rule without a condition', () => {
  const table = [
    ['accept', listing(), undefined, 0],
    ['drop', listing(), 'policy', 0],
    ['drop', listing([established, { accept: null }]), 'policy', 1],
    ['accept', listing([established, { accept: null }], [counter, { drop: null }]), 'last-rule', 1],
    ['accept', listing([{ reject: { type: 'icmpx', expr: 'admin-prohibited' } }]), 'last-rule', 0],
    ['accept', listing([{ drop: null }], [established, { accept: null }]), undefined, 2],
    ['accept', listing([established, { drop: null }]), undefined, 1],
    ['drop', 'not a listing', 'policy', 0],
  ] as const;
  for (const [policy, text, drops, otherRules] of table) {
    const chain = forwardChain(hook(policy), text);
    assert.deepEqual([chain.drops, chain.otherRules], [drops, otherRules], JSON.stringify(text));
  }
});

test('a rule that accepts what was translated is seen', () => {
  const accepts = (...rules: object[][]) => forwardChain(hook('drop'), listing(...rules)).acceptsTranslated;
  assert.equal(accepts([translated, { accept: null }]), true);
  assert.equal(accepts([translated, { drop: null }]), false);
  assert.equal(accepts([established, { accept: null }]), false);
  assert.equal(accepts([established, translated, { accept: null }]), false);
  assert.equal(accepts([counter, { accept: null }]), true);
});
