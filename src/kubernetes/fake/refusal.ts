// The ways in which the fake API server says no: Status objects as the real one sends them.

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'code' in value && 'reason' in value && 'message' in value;

export const statusOf = ({ code, reason, message, causes, retryAfterSeconds }: Refusal): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  details: { ...(causes && { causes }), ...(retryAfterSeconds && { retryAfterSeconds }) },
  code,
});

export const notFound = (what: string): Refusal => ({
  code: 404,
  reason: 'NotFound',
  message: `${what} not found`,
});

export const conflict = (what: string, message: string): Refusal => ({
  code: 409,
  reason: 'Conflict',
  message: `Operation cannot be fulfilled on ${what}: ${message}`,
});

export const expired = (version: number, compacted: number): Refusal => ({
  code: 410,
  reason: 'Expired',
  message: `too old resource version: ${version} (${compacted})`,
});

export const tooLarge = (version: number, current: number): Refusal => ({
  code: 504,
  reason: 'Timeout',
  message: `Timeout: Too large resource version: ${version}, current: ${current}`,
  causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  retryAfterSeconds: 1,
});

export const invalid = (what: string, field: string, message: string): Refusal => ({
  code: 422,
  reason: 'Invalid',
  message: `${what} is invalid: ${field}: ${message}`,
  causes: [{ reason: 'FieldValueInvalid', message, field }],
});

export const badRequest = (message: string): Refusal => ({ code: 400, reason: 'BadRequest', message });
