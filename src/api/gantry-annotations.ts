// Annotations under gantry.dev/: what is misspelled has no effect, and that is said.
import { type FieldProblem, fieldWarning } from './field-problem.ts';
import { nearest } from './nearest.ts';

/** Warnings of annotations under gantry.dev/ that this kind of object does not have. */
export function unknownAnnotations(
  annotations: Readonly<Record<string, string>>,
  known: readonly string[],
): FieldProblem[] {
  return Object.entries(annotations).flatMap(([name, value]) => {
    if (!name.startsWith('gantry.dev/') || known.includes(name)) return [];
    const meant = nearest(name, known);
    const advice = meant === undefined ? 'Remove it.' : `Did you mean ${meant}?`;
    const rule = `There is no such annotation, so it has no effect. ${advice}`;
    return [fieldWarning(['metadata', 'annotations', name], value, rule)];
  });
}
