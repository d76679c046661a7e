// Which of several API servers is asked: always the same, until it fails; then the next one.

export interface Servers {
  readonly count: number;
  readonly current: string;
  /** This one failed: if it is still the current one, its successor is from now on. */
  failed(server: string): void;
}

export function createServers(addresses: readonly string[]): Servers {
  let index = 0;
  const at = (): string => addresses[index % addresses.length] ?? '';
  return {
    count: addresses.length,
    get current() {
      return at();
    },
    failed(server) {
      if (at() === server) index++;
    },
  };
}
