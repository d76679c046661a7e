// Problems with a file or folder as such, not with an object in it.
import type { ObjectProblem } from '../model/problem.ts';

/** `file` is relative to the folder; empty: the folder itself. */
export const fileProblem = (
  file: string,
  rule: string,
  severity: ObjectProblem['severity'],
): ObjectProblem => ({
  file: file === '' ? '.' : file,
  line: undefined,
  kind: '',
  namespace: '',
  name: '',
  field: '',
  value: '',
  rule,
  severity,
});
