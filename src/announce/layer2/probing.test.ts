// Probing over time: who is a stranger, when he is gone, what is clear, and how much is sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../collections/seeded.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import { sampleAddress } from '../../model/sample.ts';
import { createProbing, type ProbeTarget, tickMilliseconds } from './probing.ts';

const mac = '02:00:00:00:00:99';
const target = (address: string, isAwaited = true): ProbeTarget => ({
  address: sampleAddress(address),
  interface: 'eth0',
  isAwaited,
});

/** A link on which some addresses are used; the clock runs as fast as the machine can. */
function scene(seed = 1) {
  const probing = createProbing(seeded(seed), (now) => `at ${Math.round(now / 1000)}`);
  const used = new Set<string>();
  let now = 0;
  const sent: { readonly at: number; readonly address: string }[] = [];
  const run = (seconds: number, answers: (address: string) => boolean = (text) => used.has(text)): void => {
    for (const end = now + seconds * 1000; now < end; now += tickMilliseconds) {
      const heard: Address[] = [];
      for (const { address } of probing.tick(now)) {
        sent.push({ at: now, address: formatAddress(address) });
        if (answers(formatAddress(address))) heard.push(address);
      }
      for (const address of heard) probing.heard(address, mac, now + 1);
    }
  };
  const strangers = () => probing.strangers.map(({ address }) => formatAddress(address));
  const clear = () => probing.clear.map(formatAddress);
  return { probing, used, sent, run, strangers, clear };
}

test('who answers twice is a stranger, with his MAC; what nobody answers for is clear after three probes', () => {
  const { probing, used, sent, run, strangers, clear } = scene();
  used.add('192.0.2.1');
  probing.want([target('192.0.2.1'), target('192.0.2.2'), target('192.0.2.3', false)]);
  run(10);
  assert.deepEqual(strangers(), ['192.0.2.1']);
  assert.equal(probing.strangers[0]?.mac, mac);
  assert.deepEqual(clear(), ['192.0.2.2'], 'only what is awaited is told');
  const probes = sent.filter(({ address }) => address === '192.0.2.2');
  assert.equal(probes.length, 3);
  for (const [index, { at }] of probes.entries())
    if (index > 0) {
      const gap = at - (probes[index - 1]?.at ?? 0);
      assert.ok(gap >= 1000 && gap <= 2000 + tickMilliseconds, `${gap} ms`);
    }
  assert.equal(probing.isBusy, false);
});

test('who answers once was perhaps one of ours', () => {
  const { probing, run, strangers, clear } = scene();
  probing.want([target('192.0.2.1')]);
  let times = 0;
  run(20, () => times++ === 0);
  assert.deepEqual(strangers(), []);
  assert.deepEqual(clear(), ['192.0.2.1']);
});

test('a stranger is gone once he was silent for two rounds, not one', () => {
  const { probing, used, run, strangers, clear } = scene();
  used.add('2001:db8::1');
  probing.want([target('2001:db8::1')]);
  run(10);
  const since = probing.strangers[0]?.since;
  run(600);
  assert.equal(probing.strangers[0]?.since, since, 'he is the same all the time');
  let rounds = 0;
  run(70, () => rounds++ > 2);
  assert.deepEqual(strangers(), ['2001:db8::1'], 'silent for one round');
  used.clear();
  run(100);
  assert.deepEqual([strangers(), clear()], [[], ['2001:db8::1']]);
});

test('what is not wanted any more is forgotten, what is wanted still is known', () => {
  const { probing, used, run, strangers, clear } = scene();
  used.add('192.0.2.1');
  probing.want([target('192.0.2.1'), target('192.0.2.2')]);
  run(10);
  probing.want([target('192.0.2.2'), target('192.0.2.1')]);
  assert.deepEqual([strangers(), clear()], [['192.0.2.1'], ['192.0.2.2']]);
  probing.want([target('192.0.2.2')]);
  probing.want([target('192.0.2.1'), target('192.0.2.2')]);
  assert.deepEqual([strangers(), clear()], [[], ['192.0.2.2']]);
});

test('a stranger who was found before a restart is one from the start, and is freed as others are', () => {
  const { probing, used, run, strangers } = scene();
  used.add('192.0.2.1');
  const found = { mac, since: 'long ago' };
  const targets = [
    { ...target('192.0.2.1'), found },
    { ...target('192.0.2.2'), found },
  ];
  probing.want(targets);
  assert.deepEqual(strangers(), ['192.0.2.1', '192.0.2.2']);
  run(60);
  assert.deepEqual(strangers(), ['192.0.2.1']);
  assert.equal(probing.strangers[0]?.since, 'long ago');
  probing.want(targets);
  assert.deepEqual(strangers(), ['192.0.2.1'], 'what is said of him later does not bring him back');
});

test('while nobody can be heard nothing is clear and no stranger is gone', () => {
  const { probing, strangers, clear } = scene();
  const found = { mac, since: 'long ago' };
  probing.want([target('192.0.2.1'), { ...target('192.0.2.2'), found }]);
  for (let now = 0; now < 120_000; now += tickMilliseconds) {
    probing.tick(now);
    probing.wasDeaf(now);
  }
  assert.deepEqual([strangers(), clear()], [['192.0.2.2'], []]);
});

test('whatever is asked for and whoever answers: at most twenty probes a second, and in the end the truth', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = seeded(seed);
    const { probing, used, sent, run, strangers, clear } = scene(seed);
    const all = Array.from({ length: 100 }, (_, index) => `198.51.100.${index}`);
    for (let change = 0; change < 5; change += 1) {
      for (const address of all) {
        const chance = random();
        if (chance < 0.05) used.add(address);
        else if (chance < 0.1) used.delete(address);
      }
      probing.want(all.filter(() => random() < 0.8).map((address) => target(address)));
      run(random() * 100);
    }
    probing.want(all.map((address) => target(address)));
    run(1300);
    assert.deepEqual(new Set(strangers()), used, `seed ${seed}`);
    assert.deepEqual(new Set(clear()), new Set(all.filter((address) => !used.has(address))), `seed ${seed}`);
    for (let from = 0; from < sent.length; from += 1) {
      const until = sent[from + 21];
      assert.ok(until === undefined || until.at - (sent[from]?.at ?? 0) >= 900, `seed ${seed}`);
    }
  }
});
