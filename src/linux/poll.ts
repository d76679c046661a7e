// Readiness of a descriptor on Node's own event loop (uv_poll), for the sockets that Node cannot wrap.
import koffi from 'koffi';

export interface Readiness extends Disposable {
  /** Calls back no more, until `resume`: for who looks by itself for a while. */
  pause(): void;
  resume(): void;
}

/**
 * Calls back whenever `fd` is readable or has an error to be read, until disposed. The callback must read until there
 * is nothing left. Dispose before closing the descriptor.
 *
 * `koffi.node.poll` is not documented. It calls back outside of Node's callback scope, where promises and
 * `process.nextTick` would wait for the next event and a thrown error for the next callback; so the work is done by
 * `setImmediate`, in the same turn of the loop. And libuv stops polling a descriptor that has an error (POLLERR:
 * ENOBUFS of netlink, ENETDOWN of packet sockets), so it is started anew once the callback has read it.
 */
export function onReadable(fd: number, callback: () => void): Readiness {
  let open = true;
  let scheduled = false;
  let stopped = false;
  let paused = false;
  const work = (): void => {
    scheduled = false;
    if (!open || paused) return;
    try {
      callback();
    } finally {
      if (open && stopped && !paused) {
        stopped = false;
        start();
      }
    }
  };
  // The types say that the callback gets the events alone; it gets libuv's status before them.
  const onEvent = (status: unknown): void => {
    if (typeof status === 'number' && status < 0) stopped = true;
    if (scheduled) return;
    scheduled = true;
    setImmediate(work);
  };
  const handle = koffi.node.poll(fd, { readable: true }, onEvent);
  const start = (): void => handle.start({ readable: true }, onEvent);
  return {
    pause() {
      if (!open || paused) return;
      paused = true;
      handle.stop();
    },
    resume() {
      if (!open || !paused) return;
      paused = false;
      stopped = false;
      start();
    },
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      handle.close();
    },
  };
}

/** Calls back once, when `fd` is writable or has failed; disposed before, never. Dispose before closing the descriptor. */
export function onceWritable(fd: number, callback: () => void): Disposable {
  let open = true;
  const end = (): boolean => {
    if (!open) return false;
    open = false;
    handle.close();
    return true;
  };
  const handle = koffi.node.poll(fd, { writable: true }, () => {
    setImmediate(() => end() && callback());
  });
  return { [Symbol.dispose]: end };
}
