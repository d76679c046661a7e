// A registry of metrics with what any process has: memory, CPU time, start, and how late its event loop runs.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from './prometheus.ts';

/** The process metrics are read when they are scraped, and cost nothing in between but the loop-lag sampling. */
export function createRegistry(): Registry {
  const registry = new Registry();
  const registers = [registry];
  const startSeconds = Date.now() / 1000 - process.uptime();
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    registers,
  }).set(startSeconds);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory, in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  let reported = 0;
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time, in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const seconds = (user + system) / 1e6;
      this.inc(seconds - reported);
      reported = seconds;
    },
  });
  addLoopLag(registry);
  return registry;
}

/** The samples are taken outside JavaScript; the greatest delay tells more than any average. */
function addLoopLag(registry: Registry): void {
  const resolutionMilliseconds = 50;
  const delay = monitorEventLoopDelay({ resolution: resolutionMilliseconds });
  delay.enable();
  new Gauge({
    name: 'gantry_event_loop_lag_seconds',
    help: 'How late the event loop ran at most and in the median, since the last scrape.',
    labelNames: ['statistic'] as const,
    registers: [registry],
    collect() {
      const late = (nanoseconds: number): number =>
        Math.max(0, nanoseconds / 1e9 - resolutionMilliseconds / 1000) || 0; // NaN before the first sample
      this.set({ statistic: 'max' }, late(delay.max));
      this.set({ statistic: 'median' }, late(delay.percentile(50)));
      delay.reset();
    },
  });
}
