// How the fake API server's answers get onto the wire: well, or with a fault in them.
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { AnswerFault, WatchFault } from './faults.ts';

export interface Content {
  readonly status: number;
  readonly text: string;
  readonly isPacked: boolean;
  readonly retryAfterSeconds?: number | undefined;
}

/** Sends a whole answer. A delay, a refusal and such have been dealt with before. */
export async function sendAnswer(
  response: ServerResponse,
  { status, text, isPacked, retryAfterSeconds }: Content,
  fault: AnswerFault | undefined,
): Promise<void> {
  const whole = fault?.kind === 'garble' ? garbled(text, fault.share) : text;
  const bytes = isPacked ? gzipSync(whole) : Buffer.from(whole);
  response.writeHead(status, {
    'content-type': whole.startsWith('{') ? 'application/json' : 'text/plain; charset=utf-8',
    ...(isPacked && { 'content-encoding': 'gzip' }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  });
  const part = bytes.subarray(0, Math.floor(bytes.length * (fault && 'share' in fault ? fault.share : 1)));
  switch (fault?.kind) {
    case 'truncate':
      response.write(part, () => response.destroy());
      return;
    case 'stall':
      response.write(part);
      return;
    case 'end-early':
      response.end(part);
      return;
    case 'trickle':
      for (let at = 0; at < bytes.length && !response.destroyed; at += fault.bytes) {
        response.write(bytes.subarray(at, at + fault.bytes));
        await nextTurn();
      }
      response.end();
      return;
    default:
      response.end(bytes);
  }
}

function garbled(text: string, share: number): string {
  const at = Math.floor(text.length * share);
  return `${text.slice(0, at)}}]{"${text.slice(at)}`;
}

export interface LineWriter {
  write(line: string): void;
  end(): void;
}

/** Writes the lines of a watch; `expired` and `error` are the lines that such faults say. */
export function createLineWriter(
  response: ServerResponse,
  fault: WatchFault | undefined,
  lines: { readonly expired: string; readonly error: string },
): LineWriter {
  const written: string[] = [];
  let held: string | undefined;
  let isHushed = false;
  const put = (line: string): void => {
    written.push(line);
    response.write(`${line}\n`);
  };
  const cut = (rest = ''): void => {
    isHushed = true;
    response.write(rest, () => response.destroy());
  };
  const strike = (line: string, { kind }: WatchFault): void => {
    switch (kind) {
      case 'cut':
        cut();
        return;
      case 'half-a-line':
        cut(line.slice(0, line.length / 2));
        return;
      case 'hush':
        isHushed = true;
        return;
      case 'repeat-last':
        put(line);
        put(line);
        return;
      case 'repeat-older':
        put(line);
        put(written[Math.floor(written.length / 2)] ?? line);
        return;
      case 'swap':
      case 'swap-and-cut':
        held = line;
        return;
      case 'garble':
        put(line.replace('"metadata"', '"meta'));
        return;
      case 'expired':
        put(lines.expired);
        cut();
        return;
      case 'error':
        put(lines.error);
        cut();
        return;
      case 'end':
        isHushed = true;
        response.end();
        return;
      default:
        kind satisfies never;
    }
  };
  let count = 0;
  return {
    write(line) {
      if (isHushed || response.destroyed) return;
      if (held !== undefined) {
        const first = held;
        held = undefined;
        // Not with a bookmark: who hears too early that all was told must believe that the rest is gone.
        const isBookmark = line.startsWith('{"type":"BOOKMARK"');
        for (const each of isBookmark ? [first, line] : [line, first]) {
          put(each);
          if (fault?.kind === 'swap-and-cut') break;
        }
        if (fault?.kind === 'swap-and-cut') cut();
        return;
      }
      if (fault !== undefined && count++ === fault.afterLines) strike(line, fault);
      else put(line);
    },
    end() {
      if (!isHushed) response.end();
    },
  };
}
