// What every bench reports: figures beside their bounds and peers, a table for people, JSON for the record.
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Exclusive: the value must be below. */
  readonly bound?: number;
  readonly peers?: readonly { readonly name: string; readonly value: number }[];
}

/** Prints the table to stderr and the document to stdout; a missed bound makes the exit code 1. */
export function report(bench: string, figures: readonly Figure[]): void {
  const missed = figures.filter(({ value, bound }) => bound !== undefined && !(value < bound));
  for (const { name, value, unit, bound, peers = [] } of figures) {
    const mark = bound === undefined ? ' ' : value < bound ? '✓' : '✗';
    const limit = bound === undefined ? '' : `  (bound ${bound} ${unit})`;
    process.stderr.write(`${mark} ${name}: ${rounded(value)} ${unit}${limit}\n`);
    for (const peer of peers) process.stderr.write(`    ${peer.name}: ${rounded(peer.value)} ${unit}\n`);
  }
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  const document = {
    bench,
    machine,
    load: readFileSync('/proc/loadavg', 'utf8').trim(),
    figures,
    ok: missed.length === 0,
  };
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  if (missed.length > 0) process.exitCode = 1;
}

const rounded = (value: number): string => (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(0));

/** The value below which `share` of the samples lie (nearest rank); NaN of none. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);
export const maximum = (samples: readonly number[]): number => Math.max(...samples);
