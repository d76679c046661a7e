// What an API server says when it refuses: a Status object (or plain text), made into a reason.
import type { ApiReason, FieldCause } from './reason.ts';

/** The answer of a failed request, or the object of an ERROR event. `code` is HTTP's where the object has none. */
export function reasonOfStatus(
  at: string,
  httpStatus: number,
  value: unknown,
  retryAfterHeader?: string,
): ApiReason {
  const status = recordOf(value);
  const details = recordOf(status['details']);
  const code = typeof status['code'] === 'number' ? status['code'] : httpStatus;
  const reason = textOf(status['reason']);
  const message =
    textOf(status['message']) || (typeof value === 'string' ? cut(value) : '') || `HTTP ${code}`;
  const causes = causesOf(details['causes']);
  const retryAfterSeconds = secondsOf(retryAfterHeader) ?? secondsOf(details['retryAfterSeconds']);
  if (causes.some((cause) => cause.reason === 'ResourceVersionTooLarge'))
    return { kind: 'version-too-large', at, message };
  switch (code) {
    case 401:
      return { kind: 'unauthorized', at, message };
    case 403:
      return { kind: 'forbidden', at, message };
    case 404:
      return { kind: 'not-found', at, message };
    case 409:
      if (reason === 'AlreadyExists') return { kind: 'already-exists', at, message };
      return { kind: 'conflict', at, message, causes };
    case 410:
      return { kind: 'expired', at, message };
    case 400:
    case 422:
      return { kind: 'invalid', at, message, causes };
    case 429:
      return { kind: 'busy', at, message, retryAfterSeconds };
    default:
      if (code >= 500) return { kind: 'server-error', at, message, retryAfterSeconds };
      return { kind: 'rejected', at, message };
  }
}

function causesOf(value: unknown): FieldCause[] {
  if (!Array.isArray(value)) return [];
  return value.map((one: unknown) => {
    const cause = recordOf(one);
    return {
      field: textOf(cause['field']),
      reason: textOf(cause['reason']),
      message: cut(textOf(cause['message'])),
    };
  });
}

/** A Retry-After in seconds, as API servers send it; a date (RFC 9110 §10.2.3) is not understood. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && seconds > 0 ? seconds : undefined;
}

const cut = (text: string): string => (text.length > 1000 ? `${text.slice(0, 1000)}…` : text.trim());
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
