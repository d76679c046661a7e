// Readiness callbacks: called when there is something to read, as ordinary work of the event loop.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onReadable } from './poll.ts';

interface Pipe extends Disposable {
  readonly fd: number;
  /** Makes it readable, at once and with no callback of Node's own. */
  write(): void;
  read(): void;
}

function openPipe(): Pipe {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-poll-'));
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    fd,
    write: () => writeSync(fd, 'x'),
    read: () => readSync(fd, Buffer.alloc(1)),
    [Symbol.dispose]() {
      closeSync(fd);
      rmSync(directory, { recursive: true });
    },
  };
}

test('promises that a callback settles go on at once, with nothing else to happen', () => {
  // In a process of its own: here, something else always happens.
  const program = `import { constants, openSync, readSync, writeSync } from 'node:fs';
    import { onReadable } from ${JSON.stringify(join(import.meta.dirname, 'poll.ts'))};
    const fd = openSync(process.argv[1], constants.O_RDWR | constants.O_NONBLOCK);
    const { promise, resolve } = Promise.withResolvers();
    onReadable(fd, () => { readSync(fd, Buffer.alloc(1)); resolve(); });
    promise.then(() => process.exit(0));
    setImmediate(() => writeSync(fd, 'x'));`;
  const directory = mkdtempSync(join(tmpdir(), 'gantry-poll-'));
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const options = { timeout: 10_000, killSignal: 'SIGKILL' } as const;
  execFileSync(process.execPath, ['--input-type=module', '-e', program, path], options);
  rmSync(directory, { recursive: true });
});

test('what a callback throws is an uncaught exception, and the next event is told again', {
  timeout: 10_000,
}, async () => {
  using pipe = openPipe();
  const events = new EventEmitter();
  let calls = 0;
  using _poll = onReadable(pipe.fd, () => {
    pipe.read();
    calls++;
    if (calls === 1) throw new Error('surprise');
    events.emit('second');
  });
  // The test runner's own listeners would fail the test.
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const uncaught = once(process, 'uncaughtException');
    pipe.write();
    const [error] = await uncaught;
    assert.equal(error.message, 'surprise');
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  const second = once(events, 'second');
  pipe.write();
  await second;
  assert.equal(calls, 2);
});

test('nothing is told after disposal, not even what was ready before', { timeout: 10_000 }, async () => {
  using pipe = openPipe();
  let calls = 0;
  const poll = onReadable(pipe.fd, () => calls++);
  pipe.write();
  poll[Symbol.dispose]();
  poll[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(calls, 0);
});
