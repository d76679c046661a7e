// Reads the facts about the host that the host checks judge: from /proc, and from nft where it is installed.
import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type ForwardChain, type ForwardHook, forwardChain, forwardHookFinder } from './forward-chain.ts';
import type { HostFacts } from './host-check.ts';

/** All but the nftables chains: a few small files, cheap enough for every minute. `proc` is there for tests. */
export async function readProcFacts(proc = '/proc'): Promise<Omit<HostFacts, 'forwardChains'>> {
  const net = join(proc, 'sys/net');
  const [forward4, forward6, arpIgnore, count, limit, rpFilter, status] = await Promise.all([
    readNumber(join(net, 'ipv4/ip_forward')),
    readNumber(join(net, 'ipv6/conf/all/forwarding')),
    readNumber(join(net, 'ipv4/conf/all/arp_ignore')),
    readNumber(join(net, 'netfilter/nf_conntrack_count')),
    readNumber(join(net, 'netfilter/nf_conntrack_max')),
    readRpFilter(join(net, 'ipv4/conf')),
    readText(join(proc, 'self/status')),
  ]);
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1];
  return {
    ipv4Forwarding: forward4 === undefined ? undefined : forward4 !== 0,
    ipv6Forwarding: forward6 === undefined ? undefined : forward6 !== 0,
    rpFilter,
    arpIgnore,
    conntrack: count === undefined || limit === undefined ? undefined : { count, limit },
    capabilities: effective === undefined ? undefined : BigInt(`0x${effective}`),
  };
}

async function readRpFilter(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of await readdir(folder).catch(absent)) {
    const value = await readNumber(join(folder, name, 'rp_filter'));
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

async function readNumber(path: string): Promise<number | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(absentText);

/** Not every kernel has every file, and an interface may vanish under our eyes. */
function absentText(error: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'EACCES', 'EINVAL', 'ENOTDIR'].includes(error.code ?? '')) throw error;
}

function absent(error: NodeJS.ErrnoException): string[] {
  absentText(error);
  return [];
}

const nftTimeoutMilliseconds = 10_000;

/**
 * The forward chains of all tables but our own. Undefined where nft is not installed or not allowed to look. It runs
 * nft once, and once a chain found.
 */
export async function readForwardChains(signal: AbortSignal): Promise<readonly ForwardChain[] | undefined> {
  const hooks = await findForwardHooks(signal);
  if (hooks === undefined) return undefined;
  const foreign = hooks.filter(({ family, table }) => !(family === 'inet' && table === 'gantry'));
  const chains: ForwardChain[] = [];
  for (const hook of foreign) {
    const listing = await listChain(hook, signal);
    if (listing !== undefined) chains.push(forwardChain(hook, listing));
  }
  return chains;
}

function findForwardHooks(signal: AbortSignal): Promise<readonly ForwardHook[] | undefined> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(nftTimeoutMilliseconds)]);
  return new Promise((resolve) => {
    const finder = forwardHookFinder();
    const nft = spawn('nft', ['list', 'chains'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: nftEnvironment(),
      signal: deadline,
    });
    createInterface({ input: nft.stdout }).on('line', finder.line);
    nft.once('error', () => resolve(undefined)); // not installed, or aborted
    nft.once('close', (code) => resolve(code === 0 ? finder.found : undefined));
  });
}

/** Undefined for a chain that is gone meanwhile, or too long to be worth reading. */
async function listChain(
  { family, table, chain }: ForwardHook,
  signal: AbortSignal,
): Promise<unknown | undefined> {
  try {
    const { stdout } = await promisify(execFile)('nft', ['-j', 'list', 'chain', family, table, chain], {
      env: nftEnvironment(),
      signal,
      timeout: nftTimeoutMilliseconds,
      maxBuffer: 4 << 20,
    });
    return JSON.parse(stdout);
  } catch {
    return undefined; // whatever kept nft from printing it, there is nothing to judge
  }
}

/** nft is often where the PATH of an ordinary user does not look. */
const nftEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
});
