// Requests to servers that are away, slow, changing their tokens and certificates, or several.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Access } from './access/access.ts';
import { type ApiClient, createApiClient } from './client.ts';
import { sampleAuthority } from './fake/certificates.ts';
import type { AnswerFault, Faults } from './fake/faults.ts';
import { type FakeApiServer, type FakeApiServerOptions, startFakeApiServer } from './fake-api-server.ts';
import { listObjects } from './list.ts';
import { createObject, getObject } from './objects.ts';
import { type ApiReason, apiSentence } from './reason.ts';
import { configMaps, namespaces } from './resource.ts';
import { sampleAccess } from './sample-access.ts';
import type { Timing } from './timing.ts';

const name = { name: 'default' };

/** `ok`, or the reason. */
async function ask(client: ApiClient, signal?: AbortSignal): Promise<'ok' | ApiReason> {
  const result = await getObject(client, namespaces, name, signal);
  return result.ok ? 'ok' : result.reason;
}

const kindOf = (outcome: 'ok' | ApiReason): string => (outcome === 'ok' ? 'ok' : outcome.kind);

async function withServers(
  options: readonly FakeApiServerOptions[],
  run: (servers: readonly FakeApiServer[]) => Promise<void>,
): Promise<void> {
  const servers = await Promise.all(options.map(startFakeApiServer));
  try {
    await run(servers);
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

const clientOf = (servers: readonly string[], change: Partial<Access> = {}, timing: Partial<Timing> = {}) =>
  createApiClient({ access: sampleAccess(servers, change), timing });

/** These in turn, then none. */
function faultsInTurn(...faults: readonly AnswerFault[]): Faults {
  const rest = [...faults];
  return { answer: () => rest.shift(), watch: () => undefined };
}

async function unusedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

describe('several servers', () => {
  test('the next one is asked where one cannot be reached, and stays the first to be asked', () =>
    withServers([{}], async ([server]) => {
      using client = clientOf([await unusedUrl(), server?.url ?? '']);
      for (let count = 0; count < 3; count++) assert.equal(await ask(client), 'ok');
      assert.equal(server?.connections, 1);
    }));

  test('one that answers with errors, or not at all, is not the first to be asked the next time', async () => {
    for (const fault of [{ kind: 'refuse', status: 500 }, { kind: 'silence' }] as const) {
      await withServers([{ faults: faultsInTurn(fault) }, {}], async (servers) => {
        using client = clientOf(
          servers.map(({ url }) => url),
          {},
          { answerMilliseconds: 500 },
        );
        const first = kindOf(await ask(client));
        assert.equal(first, fault.kind === 'silence' ? 'no-answer' : 'server-error');
        assert.equal(await ask(client), 'ok');
        assert.equal(servers[1]?.requests.length, 1);
      });
    }
  });

  test('where none can be reached the sentence says why, and what to do', async () => {
    using client = clientOf([await unusedUrl(), await unusedUrl()]);
    const outcome = await ask(client);
    assert.ok(outcome !== 'ok' && outcome.kind === 'unreachable');
    assert.match(apiSentence(outcome), /ECONNREFUSED.*see that it runs/);
  });
});

test('connections are kept, and one that the server has closed meanwhile does not fail a request', () =>
  withServers([{}], async ([server]) => {
    assert.ok(server);
    using client = clientOf([server.url]);
    assert.equal(await ask(client), 'ok');
    assert.equal(await ask(client), 'ok');
    assert.equal(server.connections, 1);
    await server[Symbol.asyncDispose]();
    await using next = await startFakeApiServer({ port: server.port });
    assert.equal(await ask(client), 'ok');
    assert.equal(next.requests.length, 1);
  }));

test('a request that is given up ends at once', () =>
  withServers([{ faults: faultsInTurn({ kind: 'silence' }) }], async ([server]) => {
    using client = clientOf([server?.url ?? '']);
    assert.equal(kindOf(await ask(client, AbortSignal.timeout(20))), 'aborted');
    assert.equal(kindOf(await ask(client, AbortSignal.abort())), 'aborted');
  }));

test('what a busy server asks to wait is told', () =>
  withServers(
    [{ faults: faultsInTurn({ kind: 'refuse', status: 429, retryAfterSeconds: 7 }) }],
    async ([server]) => {
      using client = clientOf([server?.url ?? '']);
      const outcome = await ask(client);
      assert.ok(outcome !== 'ok' && outcome.kind === 'busy');
      assert.equal(outcome.retryAfterSeconds, 7);
    },
  ));

test('answers that break off, stall or are no JSON are told as such', async () => {
  const cases: readonly (readonly [AnswerFault, string])[] = [
    [{ kind: 'drop' }, 'cut'],
    [{ kind: 'truncate', share: 0.5 }, 'cut'],
    [{ kind: 'stall', share: 0.5 }, 'no-answer'],
    [{ kind: 'end-early', share: 0.5 }, 'unreadable'],
    [{ kind: 'garble', share: 0.5 }, 'unreadable'],
    [{ kind: 'trickle', bytes: 7 }, 'ok'],
  ];
  await withServers([{ faults: faultsInTurn(...cases.map(([fault]) => fault)) }], async ([server]) => {
    using client = clientOf([server?.url ?? ''], {}, { pieceMilliseconds: 500 });
    for (const [fault, kind] of cases) assert.equal(kindOf(await ask(client)), kind, fault.kind);
  });
});

test('lists come packed from a server that packs, and a broken one is told', async () => {
  const faults = faultsInTurn(
    ...[{ kind: 'delay', milliseconds: 0 } as const, { kind: 'truncate', share: 0.5 } as const],
    { kind: 'end-early', share: 0.5 },
  );
  await withServers([{ packBytes: 1 }, { packBytes: 1, faults }], async ([server, broken]) => {
    for (const one of [server, broken]) {
      using client = clientOf([one?.url ?? '']);
      const created = createObject(client, configMaps, { metadata: { namespace: 'default', name: 'a' } });
      assert.ok((await created).ok);
      const names: string[] = [];
      const list = () =>
        listObjects(client, { selection: { resource: configMaps } }, ({ metadata }) =>
          names.push(metadata.name),
        );
      if (one === broken) for (let count = 0; count < 2; count++) assert.equal((await list()).ok, false);
      assert.ok((await list()).ok);
      assert.equal(names.at(-1), 'a');
    }
  });
});

describe('credentials', () => {
  test('a token that is refused is read again, and the request repeated', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'gantry-token-')), 'token');
    await writeFile(file, 'one');
    const credentials = { token: 'one' };
    await withServers([{ credentials }], async ([server]) => {
      using client = clientOf([server?.url ?? ''], { token: { file } });
      assert.equal(await ask(client), 'ok');
      credentials.token = 'two';
      assert.equal(kindOf(await ask(client)), 'unauthorized');
      await writeFile(file, 'two');
      assert.equal(await ask(client), 'ok');
    });
  });

  test('without a token that can be read nothing is asked', () =>
    withServers([{}], async ([server]) => {
      using client = clientOf([server?.url ?? ''], { token: { file: '/nonexistent/token' } });
      assert.equal(kindOf(await ask(client)), 'no-credentials');
      assert.equal(server?.requests.length, 0);
    }));
});

describe('TLS', () => {
  const authority = sampleAuthority('authority');
  const other = sampleAuthority('other authority');
  const tls = authority.issue('kube-apiserver', ['127.0.0.1', 'kubernetes']);

  test('a server is believed that our authority vouches for, by the name in its certificate', () =>
    withServers([{ tls }, { tls: authority.issue('kube-apiserver', ['kubernetes']) }], async (servers) => {
      const [named, unnamed] = servers.map(({ url }) => [url]);
      assert.ok(named && unnamed);
      const asked = async (urls: readonly string[], change: Partial<Access>): Promise<string> => {
        using client = clientOf(urls, change);
        return kindOf(await ask(client));
      };
      const ours = { authority: { text: authority.cert } };
      assert.equal(await asked(named, ours), 'ok');
      assert.equal(await asked(named, { authority: { text: other.cert } }), 'untrusted');
      assert.equal(await asked(named, {}), 'untrusted');
      assert.equal(await asked(named, { isVerified: false }), 'ok');
      assert.equal(await asked(unnamed, ours), 'untrusted');
      assert.equal(await asked(unnamed, { ...ours, serverName: 'kubernetes' }), 'ok');
    }));

  test('a client certificate is shown, and a key that cannot be read is told', () =>
    withServers([{ tls: { ...tls, ca: authority.cert } }], async ([server]) => {
      const { cert, key } = authority.issue('gantry');
      const change = { authority: { text: authority.cert } };
      const clientCertificate = { certificate: { text: cert }, key: { text: key } };
      using client = clientOf([server?.url ?? ''], { ...change, clientCertificate });
      assert.equal(await ask(client), 'ok');
      assert.deepEqual(server?.clientNames, ['gantry']);
      using broken = clientOf([server?.url ?? ''], {
        ...change,
        clientCertificate: { certificate: { text: cert }, key: { text: 'half a key' } },
      });
      assert.equal(kindOf(await ask(broken)), 'untrusted');
    }));

  test('a server whose authority was renewed is believed as soon as the file with it is', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'gantry-ca-')), 'ca.crt');
    await writeFile(file, authority.cert);
    await withServers([{ tls }], async ([server]) => {
      assert.ok(server);
      using client = clientOf([server.url], { authority: { file } });
      assert.equal(await ask(client), 'ok');
      await server[Symbol.asyncDispose]();
      const renewed = other.issue('kube-apiserver', ['127.0.0.1']);
      await using next = await startFakeApiServer({ tls: renewed, port: server.port });
      assert.equal(kindOf(await ask(client)), 'untrusted');
      await writeFile(file, other.cert);
      assert.equal(await ask(client), 'ok');
      assert.equal(next.requests.length, 1);
    });
  });
});
