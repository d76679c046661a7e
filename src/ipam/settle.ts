// Gives a Service what it still lacks, or lets it wait.
import type { Service } from '../model/service.ts';
import { type Allocator, give, type ServiceRecord, takeBack } from './allocator.ts';
import { choose } from './choose.ts';
import { bothFamilies, familyDemand, otherFamily } from './family-demand.ts';
import { type Loss, noLosses } from './outcome.ts';
import { essentialFamilies } from './request.ts';
import { isMiss, type Miss, type Supply, seek } from './seek.ts';
import { park } from './waiting.ts';

/**
 * The record has nothing, or one address of the two that the Service wants. The second comes from the pool of the
 * first; for its own sake no address is given up, unless the Service cannot do without. Gives what was given up.
 */
export function settle(
  allocator: Allocator,
  supply: Supply,
  service: Service,
  record: ServiceRecord,
): readonly Loss[] {
  let lost = noLosses;
  const [only] = record.addresses;
  if (record.pool !== undefined && only !== undefined) {
    const missing = otherFamily(only.family);
    const found = seek(supply, record.pool, service, record.terms, [missing]);
    if (!isMiss(found)) {
      give(allocator, record, record.pool, found);
      const [primary] = bothFamilies(familyDemand(service, service.request.addresses));
      if (missing === primary) record.addresses = record.addresses.toReversed();
      record.reason = undefined;
      return lost;
    }
    if (!essentialFamilies(service).includes(missing)) {
      wait(allocator, record, found);
      return lost;
    }
    lost = [{ address: only, reason: { kind: 'incomplete', address: only, missing: found.reason } }];
    takeBack(allocator, record);
  }
  const choice = choose(supply, service);
  if (choice.kind === 'chosen') {
    give(allocator, record, choice.pool, choice.addresses);
    record.reason = undefined;
    if (choice.shortfall !== undefined) wait(allocator, record, choice.shortfall);
  } else wait(allocator, record, choice.miss);
  return lost;
}

function wait(allocator: Allocator, record: ServiceRecord, { reason, tokens }: Miss): void {
  record.reason = reason;
  const second = record.addresses.length > 0;
  park(allocator.waiting, { key: record.key, age: record.age, second, tokens });
}
