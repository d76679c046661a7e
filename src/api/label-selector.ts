// Label selectors (meta/v1 LabelSelector) in their API spelling.
import * as z from 'zod/mini';
import type { LabelSelector } from '../model/selector.ts';
import { labelKey, labels, labelValue } from './metadata.ts';
import { described, ruled } from './published.ts';

const labelExpression = ruled(
  z.strictObject({
    key: described(labelKey, 'The key of the label.', {
      // RE2 does not look ahead: the length of the prefix is left to the parser.
      pattern:
        '^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$',
    }),
    operator: described(
      z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
      'In: the label has one of the values. NotIn: it has none of them, or is absent. Exists, DoesNotExist: the label is there, or is not, whatever its value.',
    ),
    values: described(
      z._default(z.array(labelValue), []),
      'The values that In and NotIn compare with, at least one; none for Exists and DoesNotExist.',
    ),
  }),
  [
    {
      field: 'values',
      message: 'In and NotIn need at least one value; Exists and DoesNotExist take none.',
      cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
      holds: ({ operator, values }) => (operator === 'In' || operator === 'NotIn') === values.length > 0,
    },
  ],
);

/** Its output is the model's `LabelSelector`. */
export const labelSelector = described(
  z.strictObject({
    matchLabels: described(z._default(labels, {}), 'Labels that must be there, each with this value.'),
    matchExpressions: described(
      z._default(z.array(labelExpression), []),
      'Conditions on labels, all of which must hold.',
    ),
  }),
  'Chooses by labels: all that is given here must hold, and an empty selector chooses everything.',
  { 'x-kubernetes-map-type': 'atomic' },
) satisfies z.ZodMiniType<LabelSelector>;

/** A list of selectors of which one must match; absent it is empty. */
export const labelSelectors = z._default(z.array(labelSelector), []);
