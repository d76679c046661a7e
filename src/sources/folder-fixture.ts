// For the tests of this folder: a temporary folder of manifests, and a follower that keeps the World it is told of.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectProblem } from '../model/problem.ts';
import { applyBatch, type ChangeBatch, emptyWorld, type World } from '../model/world.ts';
import { type FolderOptions, folderSource } from './folder.ts';

export class TemporaryFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'gantry-folder-'));

  /** Writes a file at once, making the folders around it. */
  write(file: string, text: string): void {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  remove(file: string): void {
    rmSync(join(this.path, file), { recursive: true, force: true });
  }

  move(from: string, to: string): void {
    renameSync(join(this.path, from), join(this.path, to));
  }

  link(target: string, file: string): void {
    symlinkSync(target, join(this.path, file));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const serviceYaml = (name: string, port = 80): string => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  type: LoadBalancer
  ports:
  - {name: web, port: ${port}}
`;

export const poolYaml = (name: string, ...addresses: string[]): string => `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: ${name}}
spec: {addresses: [${addresses.map((address) => `"${address}"`).join(', ')}]}
`;

export const serviceStatusJson = (name: string, ...addresses: string[]): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', annotations: { 'metallb.io/ip-allocated-from-pool': 'public' } },
    status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
  });

export interface Follower extends AsyncDisposable {
  readonly world: World;
  readonly batches: readonly ChangeBatch[];
  readonly problems: () => readonly ObjectProblem[];
  /** The ports of a Service in the namespace shop; undefined without the Service. */
  readonly ports: (name: string) => number[] | undefined;
  /** Resolves as soon as `condition` holds; rejects after five seconds. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

/** Follows a folder until disposed; `until` waits for what should happen. */
export async function follow(directory: string, options: Partial<FolderOptions> = {}): Promise<Follower> {
  const world = emptyWorld();
  const batches: ChangeBatch[] = [];
  let problems: readonly ObjectProblem[] = [];
  const source = folderSource({ directory, ...options });
  await source.start({
    batch(batch) {
      batches.push(batch);
      applyBatch(world, batch);
    },
    problems(all) {
      problems = all;
    },
  });
  return {
    world,
    batches,
    problems: () => problems,
    ports: (name) => world.services.get(`shop/${name}`)?.ports.map(({ port }) => port),
    async until(condition) {
      const deadline = performance.now() + 5000;
      while (!condition()) {
        assert.ok(performance.now() < deadline, `waited in vain for ${condition}`);
        await sleep(5);
      }
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
