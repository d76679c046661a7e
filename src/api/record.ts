// JSON objects of unknown content, as they come from a file or the API.

export type RawObject = Readonly<Record<string, unknown>>;

/** True for a JSON object, not for a list or null. */
export const isRecord = (value: unknown): value is RawObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
