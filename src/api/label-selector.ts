// Label selectors (meta/v1 LabelSelector) in their API spelling.
import * as z from 'zod/mini';
import type { LabelSelector } from '../model/selector.ts';
import { labelKey, labels, labelValue } from './metadata.ts';

const labelExpression = z
  .strictObject({
    key: labelKey,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z._default(z.array(labelValue), []),
  })
  .check(
    z.refine(({ operator, values }) => (operator === 'In' || operator === 'NotIn') === values.length > 0, {
      path: ['values'],
      error: 'In and NotIn need at least one value; Exists and DoesNotExist take none.',
    }),
  );

/** Its output is the model's `LabelSelector`. */
export const labelSelector = z.strictObject({
  matchLabels: z._default(labels, {}),
  matchExpressions: z._default(z.array(labelExpression), []),
}) satisfies z.ZodMiniType<LabelSelector>;

/** A list of selectors of which one must match; absent it is empty. */
export const labelSelectors = z._default(z.array(labelSelector), []);
