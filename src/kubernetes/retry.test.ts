// Which failures are worth another try.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiClient } from './client.ts';
import type { ApiReason, ApiResult } from './reason.ts';
import { retrying } from './retry.ts';
import { sampleAccess } from './sample-access.ts';

/** What is returned in the end, after which waits. */
async function run(outcomes: readonly (ApiReason | 'ok')[], tries: number, isRepeatable: boolean) {
  const waits: number[] = [];
  const clock = {
    now: () => 0,
    random: () => 0,
    sleep: async (milliseconds: number) => void waits.push(milliseconds),
  };
  using client = createApiClient({ access: sampleAccess(['http://127.0.0.1:1']), clock });
  const rest = [...outcomes];
  const request = async (): Promise<ApiResult<string>> => {
    const next = rest.shift() ?? 'ok';
    return next === 'ok' ? { ok: true, value: 'done' } : { ok: false, reason: next };
  };
  const { signal } = new AbortController();
  const outcome = await retrying(client, request, { tries, isRepeatable, signal });
  return { outcome: outcome.ok ? 'ok' : outcome.reason.kind, waits };
}

const cut: ApiReason = { kind: 'cut', at: '', cause: '' };
const busy: ApiReason = { kind: 'busy', at: '', message: '', retryAfterSeconds: 2 };
const conflict: ApiReason = { kind: 'conflict', at: '', message: '', causes: [] };

test('what passes is tried again, as often as allowed', async () => {
  assert.deepEqual(await run([cut, busy, 'ok'], 5, true), { outcome: 'ok', waits: [125, 2000] });
  assert.deepEqual(await run([cut, cut, cut], 3, true), { outcome: 'cut', waits: [125, 250] });
});

test('what may have been done is not done twice unless that is the same', async () => {
  assert.deepEqual(await run([cut], 3, false), { outcome: 'cut', waits: [] });
  assert.deepEqual(await run([busy], 3, false), { outcome: 'ok', waits: [2000] });
});

test('what does not pass is told at once', async () => {
  assert.deepEqual(await run([conflict], 3, true), { outcome: 'conflict', waits: [] });
});
