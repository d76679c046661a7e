// Metrics of what a program reads its objects from, under the names that dashboards already use.
import { Counter, Gauge, type Registry } from './prometheus.ts';

export interface SourceMetrics {
  /** A batch of so many changes was handled. */
  updated(changes: number): void;
  /** So many objects are set aside by errors now; their last accepted versions stay in force. */
  errors(count: number): void;
  /** The first list is whole. */
  loaded(): void;
}

export function createSourceMetrics(registry: Registry): SourceMetrics {
  const registers = [registry];
  const updates = new Counter({
    name: 'metallb_k8s_client_updates_total',
    help: 'Object changes that were handled.',
    registers,
  });
  const updateErrors = new Counter({
    name: 'metallb_k8s_client_update_errors_total',
    help: 'Objects that were set aside because of errors in them.',
    registers,
  });
  const configLoaded = new Gauge({
    name: 'metallb_k8s_client_config_loaded_bool',
    help: '1 once the configuration has been read.',
    registers,
  });
  const configStale = new Gauge({
    name: 'metallb_k8s_client_config_stale_bool',
    help: '1 while an object with errors is set aside and its last accepted version, if any, is in force.',
    registers,
  });
  let standing = 0;
  return {
    updated: (changes) => updates.inc(changes),
    errors(count) {
      if (count > standing) updateErrors.inc(count - standing);
      standing = count;
      configStale.set(count > 0 ? 1 : 0);
    },
    loaded: () => configLoaded.set(1),
  };
}
