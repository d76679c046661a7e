// Memory that the C library has freed and keeps for later: given back to the kernel (malloc_trim(3)).
import koffi from 'koffi';

let declared: ((padding: number) => number) | undefined;

/**
 * A few milliseconds. Worth it after a burst: reading a thousand files, a big transaction and a big table leave some
 * twenty megabytes in the threads' arenas, which else stay resident for ever.
 */
export function trimMalloc(): void {
  declared ??= koffi.load('libc.so.6').func('int malloc_trim(size_t padding)');
  declared(0);
}
