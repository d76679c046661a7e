// Readiness of a descriptor on Node's own event loop (uv_poll), for the sockets that Node cannot wrap.
import koffi from 'koffi';

/** Calls back whenever `fd` is readable or in error, until disposed. Dispose before closing the descriptor. */
export function onReadable(fd: number, callback: () => void): Disposable {
  const handle = koffi.node.poll(fd, { readable: true }, () => callback());
  let open = true;
  return {
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      handle.stop();
      handle.close();
    },
  };
}
