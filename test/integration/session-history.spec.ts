import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { minutes } from '../../libs/session/src/core/duration.js';
import { isSessionError } from '../../libs/session/src/core/errors.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import type { SessionRecord } from '../../libs/session/src/core/session.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { databaseUrlOf } from '../support/database-url.js';
import { SessionHistory, type HeldToken } from '../support/session-history.js';
import { createTestSessions } from '../support/session-service.js';
import { ACCOUNT_PRINCIPAL, openStore } from '../support/session-store.js';
import {
  SessionTraffic,
  TRAFFIC_KINDS,
  type TrafficNode,
  type TrafficRequest,
} from '../support/session-traffic.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** How many requests a run has, on each database. */
const REQUESTS = Number(process.env['SESSION_TEST_HISTORY'] ?? 10_000);

/** Set it to repeat a run that failed; a failure prints its seed. */
const seed = Number(process.env['SESSION_TEST_SEED'] ?? Date.now() % 2 ** 31);

const WIDTH = 16;
const USERS = Array.from({ length: 40 }, (_, index) => `user-${index}`);

/** A request waits no longer for its database: two faults are over before long. */
const STORE_TIMEOUT_MS = 150;

/** So many requests lie between two faults, and so long one lasts. */
const FAULT_EVERY = 250;
const FAULT_MS = 300;

const OPTIONS: Partial<SessionModuleOptions> = {
  touchIntervalMs: 0,
  onReuse: 'report',
  rotationGraceMs: minutes(10),
};

async function startNode(
  database: TestDatabase,
  extra: Record<string, unknown> = {},
  wrap: (store: SessionStore) => SessionStore = (store) => store,
): Promise<TrafficNode> {
  const { store, dataSource } = await openStore(
    database,
    { storeTimeoutMs: STORE_TIMEOUT_MS },
    extra,
  );
  const wrapped = wrap(store);
  const { sessions, events } = createTestSessions({ store: wrapped, options: OPTIONS });
  dataSource.subscribers.push(new CredentialSubscriber(ACCOUNT_PRINCIPAL, wrapped, events));
  return { sessions, dataSource };
}

function sampleRequests(count: number): readonly TrafficRequest[] {
  return fc.sample(
    fc.record({
      kind: fc.constantFrom(...TRAFFIC_KINDS),
      node: fc.nat(1),
      user: fc.nat(),
      choice: fc.nat(),
    }),
    { seed, numRuns: count },
  );
}

/** Breaks one proxy after the other, in an order that the seed decides, each for a moment. */
function faultsOn(proxies: readonly TcpProxy[]): (index: number) => void {
  const faults = fc.sample(
    fc.record({ kind: fc.constantFrom('freeze', 'cut'), proxy: fc.nat() } as const),
    { seed, numRuns: Math.ceil(REQUESTS / FAULT_EVERY) },
  );
  return (index) => {
    const fault = index % FAULT_EVERY === 0 ? faults[index / FAULT_EVERY - 1] : undefined;
    const proxy = proxies[(fault?.proxy ?? 0) % proxies.length];
    if (fault === undefined || proxy === undefined) return;
    proxy[fault.kind]();
    setTimeout(() => void proxy.heal(), FAULT_MS).unref();
  };
}

/** What a client may be answered with while a database fails; its own queries fail with the driver's errors. */
function isOutage(error: unknown): boolean {
  return isSessionError(error, 'SESSION_STORE_UNAVAILABLE') || !isSessionError(error);
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
          startNode(database, { url: proxy.through(databaseUrlOf(database.options())) }, wrap),
        ),
      );

    it(
      `has no use accepted after its end was acknowledged, while databases fail (${REQUESTS} requests)`,
      async () => {
        // The tables are there before two processes look for them at once.
        await startNode(database);
        const nodes = await startNodes();
        const history = new SessionHistory();
        const traffic = new SessionTraffic(history, nodes, USERS, isOutage);
        await traffic.begin();
        await traffic.run(sampleRequests(REQUESTS), WIDTH, faultsOn(proxies));

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
      await startNode(database);
      const nodes = await startNodes((store) => {
        const find = store.find.bind(store);
        const remembered = new Map<string, SessionRecord | undefined>();
        store.find = async (id) => {
          if (remembered.has(id)) return remembered.get(id);
          const record = await find(id);
          remembered.set(id, record);
          setTimeout(() => remembered.delete(id), 50).unref();
          return record;
        };
        return store;
      });
      const history = new SessionHistory();
      const traffic = new SessionTraffic(history, nodes, USERS.slice(0, 5), isOutage);
      await traffic.begin();
      await traffic.run(sampleRequests(2000), WIDTH);

      expect(history.violations().join('\n')).toContain('after its end was acknowledged');
      expect(history.violations(1000)).toEqual([]);
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

  const useAt = (began: number, token = held, isAccepted = true): void =>
    history.used({ ...span(began), token, isAccepted });

  it('takes a use that began before the end was acknowledged', () => {
    history.ended({ ...span(10, 20), sessionId: 's' });
    useAt(19);
    expect(history.violations()).toEqual([]);
  });

  it('finds a use that began after the end of its session was acknowledged, later than the bound', () => {
    history.ended({ ...span(10, 20), sessionId: 's' });
    useAt(21);
    expect(history.violations()).toHaveLength(1);
    expect(history.violations(1)).toEqual([]);
  });

  it('finds a use after all sessions of its user were ended, but not of the one that was kept', () => {
    history.loggedIn({ ...span(1), ...login, sessionId: 'kept' });
    history.ended({ ...span(10, 20), userId: 'ann', exceptId: 'kept' });
    useAt(21, { ...held, sessionId: 'kept' });
    expect(history.violations()).toEqual([]);
    useAt(21);
    expect(history.violations()).toHaveLength(1);
  });

  it('takes a use of a session that was issued while all were ended', () => {
    history.loggedIn({ ...span(11, 15), ...login, sessionId: 'new' });
    history.ended({ ...span(10, 20), userId: 'ann', exceptId: null });
    useAt(21, { ...held, sessionId: 'new' });
    expect(history.violations()).toEqual([]);
  });

  it('finds a session that was proven with the old credential while it was changed', () => {
    history.loggedIn({ ...span(11, 15), ...login, sessionId: 'new' });
    history.ended({ ...span(10, 20), userId: 'ann', exceptId: null, credential: 'next' });
    useAt(21, { ...held, sessionId: 'new' });
    expect(history.violations()).toHaveLength(1);
  });

  it('finds a token that was rotated away, and two that replaced the same one', () => {
    history.rotated({ ...span(10, 20), sessionId: 's', generation: 1 });
    useAt(21, { ...held, generation: 1 });
    expect(history.violations()).toEqual([]);
    useAt(21);
    expect(history.violations()).toHaveLength(1);
    history.rotated({ ...span(10, 20), sessionId: 's', generation: 1 });
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
