// What this node's kernel does for each Service, as the data plane has told: forwarded, failed, how many frontends.
import type { DataPlaneReason } from '../dataplane/reason.ts';
import type { ServiceKey } from '../model/service.ts';

export interface KernelState {
  /** Planned anew: so many frontends, in the kernel unless `failure` says why not. */
  done(service: ServiceKey, frontends: number, failure: DataPlaneReason | undefined): void;
  /** The Service is gone, and so is all about it. */
  forget(service: ServiceKey): void;
  /** Its packets have been forwarded as planned at least once, and something like it still is. */
  isForwarded(service: ServiceKey): boolean;
  readonly failures: ReadonlyMap<ServiceKey, DataPlaneReason>;
  readonly frontends: number;
}

export function createKernelState(): KernelState {
  /** With the number of frontends. */
  const forwarded = new Map<ServiceKey, number>();
  const failures = new Map<ServiceKey, DataPlaneReason>();
  let total = 0;
  const setFrontends = (service: ServiceKey, count: number | undefined): void => {
    total += (count ?? 0) - (forwarded.get(service) ?? 0);
    if (count === undefined) forwarded.delete(service);
    else forwarded.set(service, count);
  };
  return {
    done(service, frontends, failure) {
      if (failure !== undefined) {
        failures.set(service, failure);
        return;
      }
      failures.delete(service);
      setFrontends(service, frontends);
    },
    forget(service) {
      failures.delete(service);
      setFrontends(service, undefined);
    },
    isForwarded: (service) => forwarded.has(service),
    failures,
    get frontends() {
      return total;
    },
  };
}
