// The demos' figures: the worst of a family counts, and who was never answered is not forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeReport } from '../probe.ts';
import { answersBy, firstAnswerAfter, outageOf } from './figures.ts';

const report = (address: string, more: Partial<ProbeReport> = {}): ProbeReport => ({
  target: { protocol: 'tcp', address, port: 80 },
  attempts: 3,
  answered: 3,
  failed: 0,
  outageMilliseconds: 5,
  outageStart: undefined,
  firstAnswer: 110,
  answeredBy: {},
  failures: {},
  ...more,
});

test('the longest outage of a family counts', () => {
  const reports = [
    report('192.0.2.1', { outageMilliseconds: 7.4 }),
    report('192.0.2.1', { outageMilliseconds: 170.2 }),
    report('2001:db8::1', { outageMilliseconds: 300 }),
  ];
  assert.equal(outageOf(reports, 'IPv4'), 170);
  assert.equal(outageOf(reports, 'IPv6'), 300);
});

test('the last of the first answers counts, and none is for ever', () => {
  const both = [report('192.0.2.1'), report('2001:db8::1', { firstAnswer: 140 })];
  assert.equal(firstAnswerAfter(100, both), 40);
  assert.equal(firstAnswerAfter(100, [...both, report('192.0.2.1', { firstAnswer: undefined })]), Infinity);
});

test('answers are added up by who gave them', () => {
  const reports = [
    report('192.0.2.1', { answeredBy: { 'web-1': 2, 'web-2': 1 } }),
    report('2001:db8::1', { answeredBy: { 'web-2': 4 } }),
  ];
  assert.deepEqual(answersBy(reports), { 'web-1': 2, 'web-2': 5 });
});
