// Label selectors (meta/v1 LabelSelector): all labels and all expressions must hold; an empty selector matches all.

export type Labels = Readonly<Record<string, string>>;

export interface LabelSelector {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly LabelExpression[];
}

export interface LabelExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Empty for Exists and DoesNotExist. */
  readonly values: readonly string[];
}

export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels))
    if (labelValue(labels, key) !== value) return false;
  return selector.matchExpressions.every((expression) => expressionMatches(expression, labels));
}

/** A list of selectors is a choice: one that matches is enough. An empty list matches nothing. */
export const anySelectorMatches = (selectors: readonly LabelSelector[], labels: Labels): boolean =>
  selectors.some((selector) => selectorMatches(selector, labels));

/** As in Kubernetes, NotIn also matches where the label is absent. */
function expressionMatches(expression: LabelExpression, labels: Labels): boolean {
  const value = labelValue(labels, expression.key);
  switch (expression.operator) {
    case 'In':
      return value !== undefined && expression.values.includes(value);
    case 'NotIn':
      return value === undefined || !expression.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return expression.operator satisfies never;
  }
}

/** A label named as a member of every object (`constructor`) is absent unless it is there. */
const labelValue = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;
