import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';

import type { ResolvedChannelOptions } from '../../libs/session/src/channel.options-check.js';
import { absent } from '../support/absent-server.js';
import { captureLogs } from '../support/captured-logger.js';
import { findPostgres } from '../support/database-servers.js';
import { findRedis } from '../support/redis.js';
import { channelName, channelOpener, untilLeased } from '../support/session-channels.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const SESSION = '0193a5f0-0000-7000-8000-000000000002';

interface Server {
  readonly driver: 'redis' | 'postgres';
  readonly url: string;
  create(): Promise<void>;
  drop(): Promise<void>;
  /** Says something that need not be ours. */
  say(name: string, text: string): Promise<void>;
  /** Ends every connection that listens under this name, as an operator would. */
  disconnect(name: string): Promise<void>;
}

const logs = captureLogs();
const servers: Server[] = [];
const redis = await findRedis();
if (redis !== undefined) servers.push(redisServer(redis.url));
const postgres = (await findPostgres()) ?? absent('postgres');
if (postgres !== undefined) servers.push(postgresServer(postgres));

describe.each(servers)('the channel on $driver', (server) => {
  const open = channelOpener();
  let name: string;
  let settings: ResolvedChannelOptions;

  beforeAll(() => server.create());
  afterAll(() => server.drop());
  beforeEach(() => {
    name = channelName();
    // For Redis only, where an operator can tell connections apart by it.
    const connection = { url: server.url, connectionName: name };
    settings = { driver: server.driver, connection, name };
    logs.length = 0;
  });

  it('carries notices from each process to every other, and its own back to none', async () => {
    const all = [await open(settings), await open(settings), await open(settings)];
    await untilLeased(...all);
    all[0]?.channel.publish({ kind: 'session', sessionId: SESSION, userId: 'ann' });
    all[1]?.channel.publish({ kind: 'principal', userId: "o'neill ☃" });
    all[2]?.channel.publish({ kind: 'everyone' });
    const expected = [
      { kind: 'session', sessionId: SESSION },
      { kind: 'principal', userId: "o'neill ☃" },
      { kind: 'everyone' },
    ];
    await until(() => all.every(({ heard }) => heard.length >= 3));
    for (const { heard } of all) {
      const kinds = heard.map((notice) =>
        notice.kind === 'session' ? { kind: 'session', sessionId: notice.sessionId } : notice,
      );
      expect(kinds).toHaveLength(3);
      expect(kinds).toEqual(expect.arrayContaining(expected));
    }
  });

  it('carries nothing to those of another name', async () => {
    const other = await open({ ...settings, name: channelName() } as ResolvedChannelOptions);
    const [a, b] = [await open(settings), await open(settings)];
    await untilLeased(a, b, other);
    a.channel.publish({ kind: 'everyone' });
    await until(() => b.heard.length > 0);
    const { leaseExpiresAt } = other.channel;
    await until(() => other.channel.leaseExpiresAt > leaseExpiresAt);
    expect(other.heard).toEqual([]);
    expect(other.channel.ignoredMessageCount).toBe(0);
  });

  it('ignores and counts whatever else is said on it', async () => {
    const a = await open(settings);
    await untilLeased(a);
    const said = ['', 'garbage', '{"version":2}', '{"version":1,"from":"x"}', '"'.repeat(7950)];
    for (const text of said) await server.say(name, text);
    await until(() => a.channel.ignoredMessageCount === said.length);
    expect(a.heard).toEqual([]);
    expect(a.holdsLease).toBe(true);
  });

  it('comes back by itself after its connections were ended, and tells of the gap', async () => {
    const [a, b] = [await open(settings), await open(settings)];
    await untilLeased(a, b);
    const before = a.gapCount;
    await server.disconnect(name);
    await until(() => a.gapCount >= before + 2);
    await untilLeased(a, b);
    a.channel.publish({ kind: 'everyone' });
    await until(() => b.heard.length > 0);
    expect(b.heard).toEqual([{ kind: 'everyone' }]);
  });

  it('loses its lease while the network swallows everything, and sends what was kept', async () => {
    const proxy = await TcpProxy.start(server.url);
    try {
      const a = await open({
        ...settings,
        connection: { url: proxy.through(server.url) },
      } as ResolvedChannelOptions);
      const b = await open(settings);
      await untilLeased(a, b);
      proxy.freeze();
      a.channel.publish({ kind: 'principal', userId: 'ann' });
      expect(a.heard).toHaveLength(1);
      await until(() => !a.holdsLease);
      expect(b.heard).toEqual([]);
      await proxy.heal();
      await until(() => b.heard.length > 0);
      await untilLeased(a);
      expect(b.heard[0]).toEqual({ kind: 'principal', userId: 'ann' });
      expect(b.gapCount).toBe(1);
    } finally {
      await proxy.close();
    }
  });

  it('begins without a server, says so once, and connects when there is one', async () => {
    const proxy = await TcpProxy.start(server.url);
    try {
      proxy.cut();
      const a = await open({
        ...settings,
        connection: { url: proxy.through(server.url) },
      } as ResolvedChannelOptions);
      a.channel.publish({ kind: 'everyone' });
      expect(a.heard).toHaveLength(1);
      await until(() => logs.some((line) => line.includes('channel unavailable')));
      await proxy.heal();
      await untilLeased(a);
      await until(() => logs.some((line) => line.includes('channel available again')));
      expect(logs.filter((line) => line.includes('channel unavailable')).length).toBeGreaterThan(0);
    } finally {
      await proxy.close();
    }
  });

  it('closes in a bounded time while the server hangs', async () => {
    const proxy = await TcpProxy.start(server.url);
    try {
      const a = await open({
        ...settings,
        connection: { url: proxy.through(server.url) },
      } as ResolvedChannelOptions);
      await untilLeased(a);
      proxy.freeze();
      a.channel.publish({ kind: 'everyone' });
      const startedAt = performance.now();
      await a.channel.close();
      expect(performance.now() - startedAt).toBeLessThan(2000);
    } finally {
      await proxy.close();
    }
  });
});

function redisServer(url: string): Server {
  const run = async (work: (client: Redis) => Promise<unknown>): Promise<void> => {
    const client = new Redis(url);
    await work(client);
    client.disconnect();
  };
  return {
    driver: 'redis',
    url,
    async create() {},
    async drop() {},
    say: (name, text) => run((client) => client.publish(`${name}:0`, text)),
    disconnect: (name) =>
      run(async (client) => {
        const list = (await client.call('client', 'list', 'type', 'pubsub')) as string;
        const ids = list
          .split('\n')
          .filter((line) => line.includes(`name=${name} `))
          .map((line) => /\bid=(\d+)/.exec(line)?.[1] ?? '');
        expect(ids.length).toBeGreaterThan(0);
        for (const id of ids) await client.call('client', 'kill', 'id', id);
      }),
  };
}

function postgresServer(server: NonNullable<typeof postgres>): Server {
  const database = `curfew_test_${randomBytes(6).toString('hex')}`;
  const { url } = server.options(database) as { url: string };
  const run = async (text: string, values: unknown[]): Promise<void> => {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(text, values);
    await client.end();
  };
  return {
    driver: 'postgres',
    url,
    create: () => server.create(database),
    drop: () => server.drop(database),
    say: (name, text) => run('select pg_notify($1, $2)', [name, text]),
    disconnect: () =>
      run(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
        [database],
      ),
  };
}
