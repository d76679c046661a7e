// Sharing by example: who may have an address together, and who leaves when that is no longer so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleService } from '../model/sample.ts';
import type { Service } from '../model/service.ts';
import { samplePool, samplePort } from './sample.ts';
import { asks, reasonOf, Scene } from './sample-scene.ts';

const onPort = (key: string, port: number, change: Partial<Service> = {}, sharingKey = 'k'): Service =>
  sampleService(key, { ports: [samplePort(port)], ...change }, { sharingKey });

const local = { externalTrafficPolicy: 'Local', selector: { app: 'x' } } as const;

test('Services with one key and different ports come onto one address', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'])]);
  scene.put(onPort('a/one', 80), onPort('a/two', 443), onPort('b/three', 22));
  for (const key of ['a/one', 'a/two', 'b/three']) assert.equal(scene.has(key), '192.0.2.1 from p');
});

test('one port number of two protocols is two ports', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'])]);
  scene.put(onPort('a/tcp', 53), onPort('a/udp', 53, { ports: [samplePort(53, 'UDP')] }));
  assert.equal(scene.has('a/udp'), scene.has('a/tcp'));
});

test('another key, the same port, or policies that do not agree: another address', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'])]);
  scene.put(onPort('a/first', 80, local));
  scene.put(onPort('a/key', 81, local, 'other'));
  scene.put(onPort('a/port', 80, local));
  scene.put(onPort('a/policy', 82, { ...local, selector: { app: 'y' } }));
  scene.put(onPort('a/same-selector', 83, { selector: { app: 'x' } }));
  scene.put(sampleService('a/no-key', { ports: [samplePort(84)] }));
  assert.equal(scene.has('a/first'), '192.0.2.1 from p');
  assert.equal(scene.has('a/key'), '192.0.2.2 from p');
  assert.equal(scene.has('a/port'), '192.0.2.3 from p');
  assert.equal(scene.has('a/policy'), '192.0.2.4 from p');
  assert.equal(scene.has('a/same-selector'), '192.0.2.1 from p');
  assert.equal(scene.has('a/no-key'), '192.0.2.5 from p');
});

test('who asks for an address that it cannot share is told why', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'])]);
  const asking = (change: Partial<Service>, sharingKey: string | undefined): string | undefined => {
    const service = sampleService('a/new', change, { ...asks('192.0.2.1'), sharingKey });
    const reason = reasonOf(scene.put(service), 'a/new');
    scene.delete('a/new');
    return reason;
  };
  scene.put(onPort('a/holder', 80, local));
  const ports = [samplePort(443)];
  assert.equal(asking({ ports }, undefined), 'address-in-use');
  assert.equal(asking({ ports }, 'other'), 'sharing-key-mismatch');
  assert.equal(asking({ selector: { app: 'x' } }, 'k'), 'sharing-port-conflict');
  assert.equal(asking({ ports }, 'k'), 'sharing-policy-conflict');
  assert.equal(asking({ ports, selector: { app: 'x' } }, 'k'), undefined);
  scene.put(sampleService('a/holder'));
  assert.equal(asking({ ports }, 'k'), 'sharing-key-mismatch');
});

test('who changes what made sharing legal is the one to leave', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9'])]);
  scene.put(onPort('a/older', 80, { creationTimestamp: '2026-01-01T00:00:00Z' }));
  scene.put(onPort('a/younger', 443, { creationTimestamp: '2026-01-02T00:00:00Z' }));
  const decision = scene.put(onPort('a/older', 443)).get('a/older');
  assert.deepEqual(
    decision?.lost.map(({ reason }) => reason.kind),
    ['sharing-port-conflict'],
  );
  assert.equal(scene.has('a/older'), '192.0.2.2 from p');
  assert.equal(scene.has('a/younger'), '192.0.2.1 from p');
});

test('who could not share gets the address when the other leaves it', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1'])]);
  scene.put(onPort('a/one', 80), onPort('a/two', 443));
  assert.equal(reasonOf(scene.put(onPort('a/three', 80)), 'a/three'), 'pool-exhausted');
  scene.delete('a/one');
  assert.equal(scene.has('a/three'), '192.0.2.1 from p');
});

test('a shared address counts once, and is free only when the last has left', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1'])]);
  scene.put(onPort('a/one', 80), onPort('a/two', 443));
  assert.equal(scene.usage('p'), '2 Services, 1 of 1 IPv4, 0 of 0 IPv6');
  scene.delete('a/one');
  assert.equal(scene.usage('p'), '1 Services, 1 of 1 IPv4, 0 of 0 IPv6');
  scene.delete('a/two');
  assert.equal(scene.usage('p'), '0 Services, 0 of 1 IPv4, 0 of 0 IPv6');
});

test('Services that prefer two families share both', () => {
  const scene = new Scene([samplePool('p', ['192.0.2.1-192.0.2.9', '2001:db8::1-2001:db8::9'])]);
  const dual = { ipFamilyPolicy: 'PreferDualStack' } as const;
  scene.put(onPort('a/one', 80, dual), onPort('a/two', 443, dual));
  assert.equal(scene.has('a/one'), '192.0.2.1+2001:db8::1 from p');
  assert.equal(scene.has('a/two'), '192.0.2.1+2001:db8::1 from p');
});
