// Tests of the registry's process metrics and of the source's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegistry } from './metrics.ts';
import { createSourceMetrics } from './source-metrics.ts';

function sample(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  assert.ok(line !== undefined, `no ${series} in\n${text}`);
  return Number(line.slice(series.length + 1));
}

test('process metrics are plausible and counters never fall', async () => {
  const registry = createRegistry();
  const first = await registry.metrics();
  for (let round = 0; round < 200; round++) JSON.stringify(first.split(''));
  const second = await registry.metrics();
  const memory = sample(first, 'process_resident_memory_bytes');
  assert.ok(memory > 1e6 && memory < 1e10, `${memory} bytes`);
  const cpu = (text: string): number => sample(text, 'process_cpu_seconds_total');
  assert.ok(cpu(first) > 0 && cpu(second) > cpu(first));
  assert.ok(Math.abs(sample(first, 'process_start_time_seconds') - Date.now() / 1000) < 600);
});

test('loop lag shows a blocked loop once and is forgotten with the scrape', async () => {
  const registry = createRegistry();
  const lag = async (): Promise<number> =>
    sample(await registry.metrics(), 'gantry_event_loop_lag_seconds{statistic="max"}');
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));
  assert.equal(await lag(), 0);
  await sleep(120);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  await sleep(120);
  assert.ok((await lag()) > 0.2);
  assert.equal(await lag(), 0);
});

test('configuration is stale exactly while objects with errors stand', async () => {
  const registry = createRegistry();
  const metrics = createSourceMetrics(registry);
  const read = async (name: string): Promise<number> => sample(await registry.metrics(), name);
  assert.equal(await read('metallb_k8s_client_config_loaded_bool'), 0);
  metrics.loaded();
  metrics.updated(3);
  metrics.errors(2);
  metrics.errors(1);
  assert.equal(await read('metallb_k8s_client_config_stale_bool'), 1);
  metrics.errors(0);
  metrics.errors(1);
  assert.equal(await read('metallb_k8s_client_config_loaded_bool'), 1);
  assert.equal(await read('metallb_k8s_client_updates_total'), 3);
  assert.equal(await read('metallb_k8s_client_update_errors_total'), 3);
});
