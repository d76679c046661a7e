// What an agent has of its machine, wherever its objects come from: the kernel's data plane, pulse, and facts of the host.
import { type DataPlane, type DataPlaneMode, noDataPlane } from '../dataplane/data-plane.ts';
import { connectPulse, pulseSocketPath } from '../pulse/client.ts';
import type { AgentOptions } from './agent.ts';
import { readForwardChains, readProcFacts } from './host-facts.ts';
import type { ConnectPulse } from './pulse-connection.ts';

export interface HostSideOptions {
  readonly runDirectory: string;
  readonly dataPlaneMode: DataPlaneMode;
  /** Another way to reach pulse than its socket alone. */
  readonly connect?: ConnectPulse;
}

/** Rejects where netlink cannot be opened. */
export async function hostSide(
  options: HostSideOptions,
): Promise<Pick<AgentOptions, 'dataPlane' | 'connectPulse' | 'host' | 'trimMemory'>> {
  const { dataPlaneMode: mode } = options;
  const socket = pulseSocketPath(options.runDirectory);
  return {
    dataPlane: await openDataPlane(mode),
    connectPulse: options.connect ?? ((handlers) => connectPulse(socket, handlers)),
    host: { readProcFacts: () => readProcFacts(), readForwardChains: (stop) => readForwardChains(stop) },
    trimMemory: mode === 'none' ? () => {} : await loadTrim(),
  };
}

/** Loaded only where it is used: without it, no native code is. */
export async function openDataPlane(mode: DataPlaneMode): Promise<DataPlane> {
  if (mode === 'none') return noDataPlane();
  const [{ createNftablesDataPlane }, { openNftables }, { openConntrack }] = await Promise.all([
    import('../dataplane/nftables/apply.ts'),
    import('../dataplane/nftables/kernel.ts'),
    import('../dataplane/nftables/kernel-conntrack.ts'),
  ]);
  return createNftablesDataPlane({ port: openNftables(), conntrack: openConntrack() });
}

/** With the rest of the native code. */
const loadTrim = async (): Promise<() => void> => (await import('../linux/malloc-trim.ts')).trimMalloc;
