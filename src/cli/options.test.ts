// Options that several commands have, as commander hands them over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { httpOption } from './options.ts';

const http = (...args: string[]): unknown =>
  new Command().addOption(httpOption('127.0.0.1:7472')).parse(args, { from: 'user' }).opts()['http'];

test('--http off serves nothing, and an address is listened on', () => {
  assert.equal(http('--http', 'off'), 'off');
  assert.deepEqual(http('--http', '127.0.0.1:9000'), { host: '127.0.0.1', port: 9000 });
  assert.deepEqual(http(), { host: '127.0.0.1', port: 7472 });
});
