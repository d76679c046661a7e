// Ports as Services and EndpointSlices both spell them.
import * as z from 'zod/mini';

export const protocol = z.enum(['TCP', 'UDP', 'SCTP']);

export const portNumber = z.int().check(z.gte(1), z.lte(65_535));

/** A DNS label, or empty for an only port. */
export const portName = z
  .string()
  .check(
    z.maxLength(63),
    z.regex(
      /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?$/,
      'A port\'s name must be lower-case letters, digits and "-", beginning and ending with a letter or digit.',
    ),
  );
