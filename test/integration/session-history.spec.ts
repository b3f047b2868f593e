import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { minutes } from '../../libs/session/src/core/duration.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import type { SessionRecord } from '../../libs/session/src/core/session.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { databaseUrlOf } from '../support/database-url.js';
import { SessionHistory, type HeldToken } from '../support/session-history.js';
import { createTestSessions } from '../support/session-service.js';
import { ACCOUNT_PRINCIPAL, openStore } from '../support/session-store.js';
import { SessionTraffic, type TrafficNode } from '../support/session-traffic.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { faultsOn, IMPATIENT, isOutage, sampleRequests } from '../support/traffic-faults.js';

/** How many requests a run has, on each database. */
const REQUESTS = Number(process.env['SESSION_TEST_HISTORY'] ?? 10_000);

/** Set it to repeat a run that failed; a failure prints its seed. */
const seed = Number(process.env['SESSION_TEST_SEED'] ?? Date.now() % 2 ** 31);

const WIDTH = 16;
const USERS = Array.from({ length: 40 }, (_, index) => `user-${index}`);

const OPTIONS: Partial<SessionModuleOptions> = {
  touchIntervalMs: 0,
  onReuse: 'report',
  rotationGraceMs: minutes(10),
};

async function startNode(
  database: TestDatabase,
  options: { readonly storeTimeoutMs?: number } = {},
  extra: Record<string, unknown> = {},
  wrap: (store: SessionStore) => SessionStore = (store) => store,
): Promise<TrafficNode> {
  const { store, dataSource } = await openStore(database, options, extra);
  const wrapped = wrap(store);
  const { sessions, events } = createTestSessions({ store: wrapped, options: OPTIONS });
  dataSource.subscribers.push(new CredentialSubscriber(ACCOUNT_PRINCIPAL, wrapped, events));
  return { sessions, dataSource };
}

await describeEachDatabase(
  'the history of what two processes answered',
  (database) => {
    let proxies: TcpProxy[] = [];

    beforeEach(async () => {
      const url = databaseUrlOf(database.options());
      proxies = [await TcpProxy.start(url), await TcpProxy.start(url)];
    });
    afterEach(() => Promise.all(proxies.map((proxy) => proxy.close())));

    const startNodes = (wrap?: (store: SessionStore) => SessionStore): Promise<TrafficNode[]> =>
      Promise.all(
        proxies.map((proxy) =>
          startNode(
            database,
            IMPATIENT,
            { url: proxy.through(databaseUrlOf(database.options())) },
            wrap,
          ),
        ),
      );

    it(
      'has no use accepted after its end was acknowledged, while databases fail',
      async () => {
        // The tables are there before two processes look for them at once.
        const calm = await startNode(database);
        const nodes = await startNodes();
        const history = new SessionHistory();
        const traffic = new SessionTraffic(history, nodes, USERS, isOutage);
        await traffic.begin(calm);
        const faults = faultsOn(proxies, seed, REQUESTS);
        await traffic.run(sampleRequests(seed, REQUESTS), WIDTH, faults);

        const { accepted, refused } = history.useCounts;
        console.info(
          `${database.name}: seed ${seed}, ${history.size} answers, ${accepted} uses accepted, ${refused} refused`,
        );
        expect(traffic.unexpected).toEqual([]);
        expect(history.violations()).toEqual([]);
        expect(accepted).toBeGreaterThan(REQUESTS / 10);
        expect(refused).toBeGreaterThan(REQUESTS / 20);
      },
      60_000 + REQUESTS * 20,
    );

    it('would show a look-up that is older than the request', async () => {
      const calm = await startNode(database);
      const nodes = await startNodes((store) => {
        const find = store.find.bind(store);
        const remembered = new Map<string, SessionRecord | undefined>();
        store.find = async (id) => {
          if (remembered.has(id)) return remembered.get(id);
          const record = await find(id);
          remembered.set(id, record);
          setTimeout(() => remembered.delete(id), 200).unref();
          return record;
        };
        return store;
      });
      const history = new SessionHistory();
      const traffic = new SessionTraffic(history, nodes, USERS.slice(0, 5), isOutage);
      await traffic.begin(calm);
      await traffic.run(sampleRequests(seed, 2000), WIDTH);

      expect(history.violations()).not.toEqual([]);
      expect(history.violations(1000, 1000)).toEqual([]);
    });
  },
  ['postgres', 'mariadb'],
);

describe('the checker of histories', () => {
  const held: HeldToken = { token: 't', sessionId: 's', userId: 'ann', generation: 0 };
  const span = (began: number, answered = began + 1) => ({ began, answered });
  const login = { sessionId: 's', userId: 'ann', credential: 'old' };
  let history: SessionHistory;

  beforeEach(() => {
    history = new SessionHistory();
    history.started('old');
    history.loggedIn({ ...span(0), ...login });
  });

  const useAt = (began: number, token = held, isAccepted = true, node = 'b'): void =>
    history.used({ node, ...span(began), token, isAccepted });

  it('takes a use that began before the end was acknowledged', () => {
    history.ended({ node: 'a', ...span(10, 20), sessionId: 's' });
    useAt(19);
    expect(history.violations()).toEqual([]);
  });

  it('finds a use that began after the end of its session was acknowledged, later than the bound', () => {
    history.ended({ node: 'a', ...span(10, 20), sessionId: 's' });
    useAt(21);
    expect(history.violations()).toHaveLength(1);
    expect(history.violations(1)).toEqual([]);
    useAt(21, held, true, 'a');
    expect(history.violations(1)).toHaveLength(1);
    expect(history.violations(1, 1)).toEqual([]);
  });

  it('finds a use after all sessions of its user were ended, but not of the one that was kept', () => {
    history.loggedIn({ ...span(1), ...login, sessionId: 'kept' });
    history.ended({ node: 'a', ...span(10, 20), userId: 'ann', exceptId: 'kept' });
    useAt(21, { ...held, sessionId: 'kept' });
    expect(history.violations()).toEqual([]);
    useAt(21);
    expect(history.violations()).toHaveLength(1);
  });

  it('takes a use of a session that was issued while all were ended', () => {
    history.loggedIn({ ...span(11, 15), ...login, sessionId: 'new' });
    history.ended({ node: 'a', ...span(10, 20), userId: 'ann', exceptId: null });
    useAt(21, { ...held, sessionId: 'new' });
    expect(history.violations()).toEqual([]);
  });

  it('finds a session that was proven with the old credential while it was changed', () => {
    history.loggedIn({ ...span(11, 15), ...login, sessionId: 'new' });
    history.ended({
      node: 'a',
      ...span(10, 20),
      userId: 'ann',
      exceptId: null,
      credential: 'next',
    });
    useAt(21, { ...held, sessionId: 'new' });
    expect(history.violations()).toHaveLength(1);
  });

  it('finds a token that was rotated away, and two that replaced the same one', () => {
    history.rotated({ node: 'a', ...span(10, 20), sessionId: 's', generation: 1 });
    useAt(21, { ...held, generation: 1 });
    expect(history.violations()).toEqual([]);
    useAt(21);
    expect(history.violations()).toHaveLength(1);
    history.rotated({ node: 'a', ...span(10, 20), sessionId: 's', generation: 1 });
    expect(history.violations().join('\n')).toContain('2 rotations');
  });

  it('finds a refusal of a session that nobody tried to end', () => {
    useAt(5, held, false);
    expect(history.violations()).toHaveLength(1);
    history = new SessionHistory();
    history.loggedIn({ ...span(0), ...login });
    history.threatened('ann');
    useAt(performance.now() + 1, held, false);
    expect(history.violations()).toEqual([]);
  });
});
