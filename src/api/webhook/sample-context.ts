// For tests: what is judged by where these objects are.
import assert from 'node:assert/strict';
import { parseObject } from '../parse-object.ts';
import type { RawObject } from '../record.ts';
import { ownNamespace } from '../rejections/rejection.ts';
import { admissionContext } from './context.ts';
import type { AdmissionContext } from './verdict.ts';

/** All objects must be valid by themselves. */
export const contextOf = (objects: readonly RawObject[]): AdmissionContext =>
  admissionContext(
    objects.map((raw) => {
      const { change, creationTimestamp, problems } = parseObject(raw);
      assert.ok(change !== undefined, JSON.stringify(problems));
      return { change, creationTimestamp, hasStatus: false };
    }),
    ownNamespace,
  );
