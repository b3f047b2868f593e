import { afterEach, expect, it } from '@jest/globals';

import { minutes } from '../../libs/session/src/core/duration.js';
import type { SessionChannel } from '../../libs/session/src/core/session-channel.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import { createSessionChannel } from '../../libs/session/src/session-channel.providers.js';
import { captureLogs } from '../support/captured-logger.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { databaseUrlOf } from '../support/database-url.js';
import { findRedis } from '../support/redis.js';
import { channelName } from '../support/session-channels.js';
import { SessionHistory } from '../support/session-history.js';
import { createSessionsOn, createTestSessions } from '../support/session-service.js';
import { ACCOUNT_PRINCIPAL, openStore } from '../support/session-store.js';
import { SessionTraffic, type TrafficNode } from '../support/session-traffic.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { faultsOn, IMPATIENT, isOutage, sampleRequests } from '../support/traffic-faults.js';
import { until } from '../support/until.js';

/** How many requests a run has, with each channel. */
const REQUESTS = Number(process.env['SESSION_TEST_HISTORY'] ?? 10_000) / 4;

/** Set it to repeat a run that failed; a failure prints its seed. */
const seed = Number(process.env['SESSION_TEST_SEED'] ?? Date.now() % 2 ** 31);

const WIDTH = 16;
const TTL_MS = 500;
/** Few: what is remembered is asked for again. */
const USERS = ['ann', 'bob', 'eve', 'kim'];

/** How long a notice is under way at least, so that there are uses before it comes. */
const CHANNEL_DELAY_MS = 100;

const OPTIONS = {
  touchIntervalMs: 0,
  onReuse: 'report',
  rotationGraceMs: minutes(10),
  cache: { maxEntries: 1000, ttlMs: TTL_MS },
  channel: { driver: 'redis', connection: {} },
} as const;

captureLogs();
const redis = await findRedis();

await describeEachDatabase(
  'the history of what two processes with caches answered',
  (database) => {
    const proxies: TcpProxy[] = [];
    const channelProxies: TcpProxy[] = [];
    const channels: SessionChannel[] = [];

    afterEach(async () => {
      await Promise.all(channels.splice(0).map((channel) => channel.close()));
      await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
      channelProxies.length = 0;
    });

    async function proxyTo(url: string): Promise<TcpProxy> {
      const proxy = await TcpProxy.start(url);
      proxies.push(proxy);
      return proxy;
    }

    function slowDown(proxy: TcpProxy): void {
      if (channelProxies.includes(proxy)) proxy.delay(CHANNEL_DELAY_MS, 'to-client');
    }

    async function startNode(
      driver: 'redis' | 'postgres',
      url: string,
      name: string,
    ): Promise<TrafficNode> {
      const databaseUrl = databaseUrlOf(database.options());
      const proxy = await proxyTo(databaseUrl);
      const through = { url: proxy.through(databaseUrl) };
      const { store, dataSource } = await openStore(database, IMPATIENT, through);
      const channelProxy = await proxyTo(url);
      channelProxies.push(channelProxy);
      slowDown(channelProxy);
      const connection = { url: channelProxy.through(url) };
      const channel = createSessionChannel({ channel: { driver, connection, name } });
      channels.push(channel);
      const { sessions, events } = createSessionsOn(channel, { store, options: OPTIONS });
      await channel.start();
      dataSource.subscribers.push(new CredentialSubscriber(ACCOUNT_PRINCIPAL, store, events));
      return { sessions, dataSource };
    }

    it.each(channelsBeside(database))(
      'has no use accepted later than the time to live after its end elsewhere, nor after one by the same process, while databases and the channel on $driver fail',
      async ({ driver, urlOf }) => {
        const { dataSource, store } = await openStore(database);
        const calm = { dataSource, ...createTestSessions({ store }) };
        const name = channelName();
        const nodes = [
          await startNode(driver, urlOf(), name),
          await startNode(driver, urlOf(), name),
        ];
        await until(() =>
          channels.every(({ leaseExpiresAt }) => leaseExpiresAt > performance.now()),
        );
        const history = new SessionHistory();
        const traffic = new SessionTraffic(history, nodes, USERS, isOutage);
        await traffic.begin(calm);
        const run = (from: number): Promise<void> => {
          const faults = faultsOn(proxies, from, REQUESTS, slowDown);
          return traffic.run(sampleRequests(from, REQUESTS), WIDTH, faults);
        };
        await run(seed);
        // Without a use between an end elsewhere and its notice it would prove nothing.
        for (let from = seed + 1; history.violations().length === 0; from += 1) await run(from);

        const { accepted, refused } = history.useCounts;
        const { rememberedCount } = traffic;
        const late = history.violations();
        console.info(
          `${database.name}, channel on ${driver}: seed ${seed}, ${history.size} answers, ${accepted} uses accepted, ${rememberedCount} of them from memory, ${late.length} after an end elsewhere, ${refused} refused`,
        );
        expect(traffic.unexpected).toEqual([]);
        expect(history.violations(TTL_MS)).toEqual([]);
        // Nor without these.
        expect(rememberedCount).toBeGreaterThan(accepted / 20);
        expect(refused).toBeGreaterThan(REQUESTS / 20);
      },
      60_000 + REQUESTS * 20,
    );
  },
  ['postgres', 'mariadb'],
);

interface ChannelServer {
  readonly driver: 'redis' | 'postgres';
  urlOf(): string;
}

/** The channels that an application on this database may have. */
function channelsBeside(database: TestDatabase): readonly ChannelServer[] {
  const servers: ChannelServer[] = [];
  if (redis !== undefined) servers.push({ driver: 'redis', urlOf: () => redis.url });
  if (database.name === 'postgres') {
    servers.push({ driver: 'postgres', urlOf: () => databaseUrlOf(database.options()) });
  }
  return servers;
}
