// What this node's kernel does for each Service, as the data plane has told: forwarded, failed, and where to.
import type { DataPlaneReason } from '../dataplane/reason.ts';
import type { Frontend } from '../dataplane/table.ts';
import type { Address, Family } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';

export interface KernelState {
  /** Planned anew: these frontends are in the kernel, unless `failure` says why not. */
  done(service: ServiceKey, frontends: readonly Frontend[], failure: DataPlaneReason | undefined): void;
  /** The Service is gone, and so is all about it. */
  forget(service: ServiceKey): void;
  /** Its packets have been forwarded as planned at least once, and something like it still is. */
  isForwarded(service: ServiceKey): boolean;
  readonly failures: ReadonlyMap<ServiceKey, DataPlaneReason>;
  readonly frontends: number;
  /** Some Service's packets of this family leave this host for a backend, so the kernel must forward them. */
  leavesHost(family: Family): boolean;
}

interface Forwarded {
  readonly frontends: number;
  readonly leaving: Readonly<Record<Family, boolean>>;
}

const nothing: Forwarded = { frontends: 0, leaving: { IPv4: false, IPv6: false } };

export function createKernelState(isOwnAddress: (address: Address) => boolean): KernelState {
  const forwarded = new Map<ServiceKey, Forwarded>();
  const failures = new Map<ServiceKey, DataPlaneReason>();
  const leaving = { IPv4: 0, IPv6: 0 };
  let total = 0;

  const leaves = (frontends: readonly Frontend[], family: Family): boolean =>
    frontends.some(
      ({ address, inside }) =>
        address.family === family && inside.some((backend) => !isOwnAddress(backend.address)),
    );

  const replace = (service: ServiceKey, after: Forwarded | undefined): void => {
    const before = forwarded.get(service) ?? nothing;
    total += (after ?? nothing).frontends - before.frontends;
    for (const family of ['IPv4', 'IPv6'] as const) {
      leaving[family] += Number((after ?? nothing).leaving[family]) - Number(before.leaving[family]);
    }
    if (after === undefined) forwarded.delete(service);
    else forwarded.set(service, after);
  };

  return {
    done(service, frontends, failure) {
      if (failure !== undefined) {
        failures.set(service, failure);
        return;
      }
      failures.delete(service);
      replace(service, {
        frontends: frontends.length,
        leaving: { IPv4: leaves(frontends, 'IPv4'), IPv6: leaves(frontends, 'IPv6') },
      });
    },
    forget(service) {
      failures.delete(service);
      replace(service, undefined);
    },
    isForwarded: (service) => forwarded.has(service),
    failures,
    get frontends() {
      return total;
    },
    leavesHost: (family) => leaving[family] > 0,
  };
}
