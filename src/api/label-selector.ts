// Label selectors (meta/v1 LabelSelector) in their API spelling.
import * as z from 'zod/mini';
import type { LabelSelector } from '../model/selector.ts';
import { labelKey, labels, labelValue } from './metadata.ts';
import { described, ruled } from './published.ts';

const takesValues = (operator: string): boolean => operator === 'In' || operator === 'NotIn';

const bareExpression = z.strictObject({
  key: described(labelKey, 'The key of the label.', {
    // RE2 looks ahead nowhere: the length of the prefix is left to the parser.
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
});

const labelExpression = ruled(bareExpression, [
  {
    field: 'values',
    message: 'In and NotIn need at least one value; Exists and DoesNotExist take none.',
    cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    holds: ({ operator, values }) => takesValues(operator) === values.length > 0,
  },
]);

const selectorOf = <E extends z.ZodMiniType>(expression: E) =>
  described(
    z.strictObject({
      matchLabels: described(z._default(labels, {}), 'Labels that must be there, each with this value.'),
      matchExpressions: described(
        z._default(z.array(expression), []),
        'Conditions on labels, all of which must hold.',
      ),
    }),
    'Chooses by labels: all that is given here must hold, and an empty selector chooses everything.',
    { 'x-kubernetes-map-type': 'atomic' },
  );

/** Its output is the model's `LabelSelector`. */
export const labelSelector = selectorOf(labelExpression) satisfies z.ZodMiniType<LabelSelector>;

/** A list of selectors of which one must match; absent it is empty. */
export const labelSelectors = z._default(z.array(labelSelector), []);

/** As BGPPeers of v1beta1 have them: there every expression needed values, and Exists and DoesNotExist ignore them. */
export const olderLabelSelectors = z._default(
  z.array(
    selectorOf(
      ruled(bareExpression, [
        {
          field: 'values',
          message: 'In and NotIn need at least one value.',
          cel: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && size(self.values) > 0)",
          holds: ({ operator, values }) => !takesValues(operator) || values.length > 0,
        },
      ]),
    ),
  ),
  [],
);
