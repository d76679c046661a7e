// What every responder must do, whatever answers behind it: run against the fake, and against the kernel in the lab.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, parseAddress } from '../model/address.ts';
import { sharesPerAddress } from '../model/share.ts';
import type { Responder, ResponderInterface } from './responder.ts';

export interface ResponderBench {
  readonly responder: Responder;
  /** Two interfaces on segments of their own. */
  readonly interfaces: readonly [ResponderInterface, ResponderInterface];
  /** An index that no interface has. */
  readonly missingIndex: number;
  /** The MAC by which a neighbour on the interface's segment reaches the address, asked anew; undefined: nobody's. */
  ask(interfaceName: string, address: Address): Promise<string | undefined>;
}

const always = { lease: { deadline: Number.POSITIVE_INFINITY } };

/** Defines the contract's tests; `withBench` makes a bench for each and tidies up. */
export function testResponder(
  name: string,
  withBench: (use: (bench: ResponderBench) => Promise<void>) => Promise<void>,
): void {
  const addresses = ['192.0.2.200', '2001:db8:1::200'].map((text) => {
    const address = parseAddress(text);
    assert.ok(address);
    return address;
  });

  test(`${name}: an address is answered for on its interfaces alone, from being owned to being released`, () =>
    withBench(async ({ responder, interfaces: [first, second], ask }) => {
      responder.setInterfaces([first, second]);
      for (const address of addresses) {
        assert.equal(await ask(first.name, address), undefined);
        responder.own(address, [first.name], always);
        assert.deepEqual(responder.answering(address), [first.name]);
        assert.ok(await ask(first.name, address));
        assert.equal(await ask(second.name, address), undefined);
        responder.own(address, [second.name], always);
        assert.equal(await ask(first.name, address), undefined);
        assert.ok(await ask(second.name, address));
        responder.release(address);
        assert.equal(await ask(second.name, address), undefined);
        assert.deepEqual(responder.answering(address), []);
      }
    }));

  test(`${name}: an address waits for its interface, and outlasts its going and coming`, () =>
    withBench(async ({ responder, interfaces: [first], ask }) => {
      for (const address of addresses) responder.own(address, [first.name], always);
      for (const address of addresses) assert.deepEqual(responder.answering(address), []);
      responder.setInterfaces([first]);
      for (const address of addresses) assert.ok(await ask(first.name, address));
      responder.setInterfaces([]);
      for (const address of addresses) assert.equal(await ask(first.name, address), undefined);
      responder.setInterfaces([first]);
      for (const address of addresses) assert.ok(await ask(first.name, address));
    }));

  test(`${name}: an interface that cannot be opened is not answered on, until it can be`, () =>
    withBench(async ({ responder, interfaces: [first, second], missingIndex, ask }) => {
      for (const address of addresses) responder.own(address, [first.name, second.name], always);
      assert.deepEqual(responder.setInterfaces([{ ...first, index: missingIndex }, second]), [second.name]);
      assert.equal(responder.isOpen(first.name), false);
      for (const address of addresses) {
        assert.deepEqual(responder.answering(address), [second.name]);
        assert.ok(await ask(second.name, address));
      }
      assert.deepEqual(responder.setInterfaces([first, second]), [first.name]);
      assert.deepEqual(responder.setInterfaces([first, second]), []);
      assert.equal(responder.isOpen(first.name), true);
      for (const address of addresses) assert.ok(await ask(first.name, address));
    }));

  test(`${name}: an interface is opened anew when its MAC changes, and answers by the new one`, () =>
    withBench(async ({ responder, interfaces: [first], ask }) => {
      responder.setInterfaces([first]);
      for (const address of addresses) responder.own(address, [first.name], always);
      const changed = { ...first, mac: Uint8Array.of(2, 0, 0x5e, 0x10, 0, 9) };
      assert.deepEqual(responder.setInterfaces([changed]), [first.name]);
      for (const address of addresses) assert.equal(await ask(first.name, address), '02:00:5e:10:00:09');
    }));

  test(`${name}: nothing is answered or announced past the deadline of its own lease`, () =>
    withBench(async ({ responder, interfaces: [first], ask }) => {
      responder.setInterfaces([first]);
      const lease = { deadline: Number.POSITIVE_INFINITY };
      const grant: { lease: typeof lease | undefined } = { lease };
      const [ipv4, ipv6] = addresses;
      assert.ok(ipv4 && ipv6);
      responder.own(ipv4, [first.name], grant);
      responder.own(ipv6, [first.name], always);
      assert.ok(await ask(first.name, ipv4));
      lease.deadline = 0;
      assert.equal(await ask(first.name, ipv4), undefined);
      assert.ok(await ask(first.name, ipv6));
      responder.announce(ipv4);
      assert.equal(responder.counters.get('192.0.2.200')?.gratuitousSent, 0);
      lease.deadline = Number.POSITIVE_INFINITY;
      assert.ok(await ask(first.name, ipv4));
      grant.lease = undefined;
      assert.equal(await ask(first.name, ipv4), undefined);
    }));

  test(`${name}: of the shares of an address one is each neighbour's, and alone lets it be answered`, () =>
    withBench(async ({ responder, interfaces: [first], ask }) => {
      responder.setInterfaces([first]);
      for (const address of addresses) {
        const answered: number[] = [];
        for (let share = 0; share < sharesPerAddress; share++) {
          responder.own(address, [first.name], always, share);
          assert.deepEqual(responder.answering(address, share), [first.name]);
          assert.deepEqual(responder.answering(address), []);
          if ((await ask(first.name, address)) !== undefined) answered.push(share);
          responder.release(address, share);
        }
        assert.equal(answered.length, 1, `${answered}`);
        const [share] = answered;
        for (let other = 0; other < sharesPerAddress; other++)
          if (other !== share) responder.own(address, [first.name], always, other);
        assert.equal(await ask(first.name, address), undefined);
        responder.own(address, [first.name], always, share);
        assert.ok(await ask(first.name, address));
        responder.release(address, share);
        assert.equal(await ask(first.name, address), undefined);
        for (let other = 0; other < sharesPerAddress; other++) responder.release(address, other);
      }
    }));

  test(`${name}: a share is announced to its askers alone`, () =>
    withBench(async ({ responder, interfaces: [first], ask }) => {
      responder.setInterfaces([first]);
      const [ipv4] = addresses;
      assert.ok(ipv4);
      const announceAll = (): number | undefined => {
        for (let share = 0; share < sharesPerAddress; share++) responder.announce(ipv4, share);
        return responder.counters.get('192.0.2.200')?.gratuitousSent;
      };
      for (let share = 0; share < sharesPerAddress; share++) responder.own(ipv4, [first.name], always, share);
      assert.equal(announceAll(), 0);
      assert.ok(await ask(first.name, ipv4));
      assert.equal(announceAll(), 1);
    }));

  test(`${name}: requests, answers and announcements are counted`, () =>
    withBench(async ({ responder, interfaces: [first], ask }) => {
      responder.setInterfaces([first]);
      for (const address of addresses) {
        responder.own(address, [first.name], always);
        responder.announce(address);
      }
      const sent = (text: string): number | undefined => responder.counters.get(text)?.gratuitousSent;
      assert.deepEqual([sent('192.0.2.200'), sent('2001:db8:1::200')], [2, 1]);
      for (const address of addresses) await ask(first.name, address);
      for (const address of addresses) responder.announce(address);
      // To all again, and to the one that has asked.
      assert.deepEqual([sent('192.0.2.200'), sent('2001:db8:1::200')], [5, 3]);
      const [ipv4, ipv6] = ['192.0.2.200', '2001:db8:1::200'].map((text) => responder.counters.get(text));
      assert.ok(ipv4 && ipv6);
      assert.ok(ipv4.requestsReceived >= 1 && ipv4.responsesSent === ipv4.requestsReceived);
      assert.ok(ipv6.requestsReceived >= 1 && ipv6.responsesSent === ipv6.requestsReceived);
    }));
}
