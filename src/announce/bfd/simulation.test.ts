// Two speakers over a bad link, from many seeds: they come up, stay up, notice a cut in time, and survive changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnostic } from './diagnostic.ts';
import { detectionTime, type SessionSettings } from './session.ts';
import { Simulation } from './simulation.ts';

const settingsOf = (tx: number, rx: number, detectMultiplier = 3): SessionSettings => ({
  desiredMinTxMicroseconds: tx * 1000,
  requiredMinRxMicroseconds: rx * 1000,
  detectMultiplier,
  isPassive: false,
  echoIntervalMicroseconds: undefined,
});

const seeds = Array.from({ length: 200 }, (_, seed) => seed);

/** Settings as people choose them, by the simulation's dice. */
const anySettings = (simulation: Simulation): SessionSettings =>
  settingsOf(
    Math.round(simulation.between(10, 400)),
    Math.round(simulation.between(10, 400)),
    Math.floor(simulation.between(3, 8)),
  );

test('over a link that loses a third they come up, and what one says is what the other has', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, [settingsOf(50, 60, 20), settingsOf(30, 80, 20)]);
    simulation.link.lossPercent = 33;
    simulation.link.mostDelay = 30;
    simulation.link.reorders = true;
    simulation.run(60_000);
    assert.ok(simulation.isUp, `seed ${seed}`);
    const [a, b] = simulation.speakers;
    assert.equal(a.entry.session.remote.discriminator, b.entry.session.localDiscriminator);
    assert.equal(detectionTime(a.entry.session), 20 * 60);
    assert.equal(detectionTime(b.entry.session), 20 * 80);
    assert.equal(a.entry.session.poll.isRunning, false, `seed ${seed}`);
  }
});

test('a cut is noticed by both within the detection time, and healing brings them up again', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, [settingsOf(50, 50), settingsOf(50, 50)]);
    simulation.run(10_000);
    assert.ok(simulation.isUp, `seed ${seed}`);
    const cutAt = simulation.now;
    simulation.link.lossPercent = 100;
    simulation.run(500);
    for (const { downs } of simulation.speakers) {
      assert.equal(downs.length, 1, `seed ${seed}`);
      const [down] = downs;
      assert.equal(down?.diagnostic, diagnostic.detectionTimeExpired);
      const took = (down?.at ?? 0) - cutAt;
      assert.ok(took > 90 && took < 150 + 5, `seed ${seed}: ${took} ms`);
    }
    simulation.link.lossPercent = 0;
    simulation.run(5000);
    assert.ok(simulation.isUp, `seed ${seed}`);
  }
});

test('timers that change at any time, faster or slower, take no session down', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, [settingsOf(50, 50), settingsOf(50, 50)]);
    simulation.link.mostDelay = 8;
    simulation.run(10_000);
    for (let change = 0; change < 60; change++) {
      const speaker = simulation.speakers[change % 2 === 0 ? 0 : 1];
      speaker.configure(anySettings(simulation));
      simulation.run(simulation.between(0, change % 3 === 0 ? 10 : 700));
    }
    simulation.run(5000);
    assert.ok(simulation.isUp, `seed ${seed}`);
    assert.deepEqual(
      simulation.speakers.map(({ downs }) => downs),
      [[], []],
      `seed ${seed}`,
    );
    const [a, b] = simulation.speakers;
    for (const [here, there] of [
      [a, b],
      [b, a],
    ] as const) {
      assert.equal(here.entry.session.activeMinTxMicroseconds, here.entry.session.desiredMinTxMicroseconds);
      assert.equal(
        here.entry.session.remote.requiredMinRxMicroseconds,
        there.entry.session.requiredMinRxMicroseconds,
      );
    }
  }
});

test('who stalls does not take the other for dead, whether its packets waited or were lost', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed, [settingsOf(50, 50, 20), settingsOf(50, 50, 3)]);
    simulation.run(10_000);
    const [staller] = simulation.speakers;
    // It waits for 150 ms of silence, its peer for a second.
    for (let turn = 0; turn < 20; turn++) {
      staller.stall(simulation.between(100, 600), turn % 2 === 1);
      simulation.run(2000);
      assert.ok(simulation.isUp, `seed ${seed}`);
    }
    assert.deepEqual(staller.downs, [], `seed ${seed}`);
  }
});

test('a peer that dies while this one is late all the time is noticed all the same', () => {
  const simulation = new Simulation(7, [settingsOf(50, 50), settingsOf(50, 50)]);
  simulation.run(10_000);
  const [here, there] = simulation.speakers;
  there.stall(60_000);
  const cutAt = simulation.now;
  while (here.downs.length === 0 && simulation.now - cutAt < 1000) {
    here.stall(30);
    simulation.run(40);
  }
  const took = (here.downs[0]?.at ?? 0) - cutAt;
  assert.ok(took > 100 && took < 900, `${took} ms`);
});
