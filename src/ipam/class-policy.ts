// Which Services are ours: of type LoadBalancer, and of the class that this load balancer is configured for.
import type { Service } from '../model/service.ts';
import type { NotOursReason } from './reason.ts';

export interface ClassPolicy {
  /** Undefined: no Service with a class is ours. */
  readonly loadBalancerClass: string | undefined;
  /** True: a Service without a class is not ours. */
  readonly required: boolean;
}

/** Undefined where the Service is ours. */
export function notOurs(service: Service, policy: ClassPolicy): NotOursReason | undefined {
  if (service.type !== 'LoadBalancer') return { kind: 'not-load-balancer', type: service.type };
  const configured = policy.loadBalancerClass;
  const { loadBalancerClass } = service;
  if (loadBalancerClass === undefined)
    return policy.required ? { kind: 'class-required', configured } : undefined;
  return loadBalancerClass === configured
    ? undefined
    : { kind: 'other-class', loadBalancerClass, configured };
}
