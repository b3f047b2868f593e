import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { minutes } from '../../libs/session/src/core/duration.js';
import { InCallOrder } from '../../libs/session/src/express-session/in-call-order.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import { SessionSweep } from '../../libs/session/src/invalidation/session-sweep.js';
import { PurgeRunner } from '../../libs/session/src/purge/purge-runner.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { SessionHistory } from '../support/session-history.js';
import { nextTurn } from '../support/next-turn.js';
import { createTestSessions, type TestSessions } from '../support/session-service.js';
import { ACCOUNT_PRINCIPAL, openStore } from '../support/session-store.js';
import {
  SessionTraffic,
  TRAFFIC_KINDS,
  type TrafficNode,
  type TrafficRequest,
} from '../support/session-traffic.js';

/** How long the traffic goes on, on each database. */
const SOAK_MS = Number(process.env['SESSION_TEST_SOAK_MS'] ?? 5000);

/** Set it to repeat a run that failed; a failure prints its seed. */
const seed = Number(process.env['SESSION_TEST_SEED'] ?? Date.now() % 2 ** 31);

const WIDTH = 64;
const USER = 'ann';
const MAX_SESSIONS = 24;

const OPTIONS: Partial<SessionModuleOptions> = {
  maxSessionsPerUser: MAX_SESSIONS,
  touchIntervalMs: 0,
  onReuse: 'report',
  rotationGraceMs: minutes(10),
};

interface Node extends TrafficNode, TestSessions {
  /** Sweeps and purges once. */
  maintain(): Promise<void>;
}

/** A process with its own connections, its own watch over passwords and its own worker. */
async function startNode(database: TestDatabase, announced: string[]): Promise<Node> {
  // Far more requests than connections: they wait for each other for longer than a request may by default.
  const { store, dataSource } = await openStore(database, {
    storeTimeoutMs: 20_000,
    retentionMs: 0,
    purgeBucketMs: 1000,
  });
  const node = createTestSessions({ store, options: OPTIONS });
  dataSource.subscribers.push(new CredentialSubscriber(ACCOUNT_PRINCIPAL, store, node.events));
  node.events.on('session:revoked', ({ sessionId }) => announced.push(sessionId));
  const sweep = new SessionSweep(store, node.events);
  const purge = new PurgeRunner(store, node.events);
  const transactions = new InCallOrder();
  return {
    ...node,
    dataSource,
    // TypeORM has one connection to SQLite, and two transactions of the application that overlap there are one.
    ...(database.name === 'sqlite' && {
      inTransaction: (work) => transactions.run(USER, work),
    }),
    async maintain() {
      await sweep.sweepStale();
      await purge.run({ budgetMs: 1000 });
    },
  };
}

/** Requests in an order that the seed decides, until the time is over. */
function* requestsUntil(endsAt: number): Generator<TrafficRequest> {
  const requests = fc.sample(
    fc.record({
      kind: fc.constantFrom(...TRAFFIC_KINDS),
      node: fc.nat(1),
      user: fc.constant(0),
      choice: fc.nat(),
    }),
    { seed, numRuns: 5000 },
  );
  while (performance.now() < endsAt) yield* requests.filter(() => performance.now() < endsAt);
}

await describeEachDatabase('one user, used from everywhere at once', (database) => {
  it(
    'keeps every promise, and nothing fails',
    async () => {
      const announced: string[] = [];
      const nodes = [await startNode(database, announced)];
      // The second connection of a process to one SQLite file could only wait for the first, and the first for it.
      if (database.name !== 'sqlite') nodes.push(await startNode(database, announced));
      const history = new SessionHistory();
      const traffic = new SessionTraffic(history, nodes, [USER]);
      // A sign-in beyond the limit ends another session.
      history.threatened(USER);
      await traffic.begin();

      const counts: number[] = [];
      const failures: unknown[] = [];
      const endsAt = performance.now() + SOAK_MS;
      const whileItLasts = async (work: () => Promise<unknown>): Promise<void> => {
        while (performance.now() < endsAt) {
          await nextTurn();
          await work().catch((error: unknown) => failures.push(error));
        }
      };
      await Promise.all([
        traffic.run(requestsUntil(endsAt), WIDTH),
        ...nodes.map((node) => whileItLasts(() => node.maintain())),
        ...nodes.map((node) =>
          whileItLasts(async () => {
            const { sessions } = await node.sessions.list(USER, { limit: 100 });
            counts.push(sessions.length);
          }),
        ),
      ]);
      for (const node of nodes) await node.sessions.flushTouches();
      for (const node of nodes) await node.maintain();

      expect([...traffic.unexpected, ...failures]).toEqual([]);
      expect(history.violations()).toEqual([]);
      // Else it would prove nothing.
      expect(history.useCounts.accepted).toBeGreaterThan(history.size / 20);
      expect(Math.max(...counts)).toBeLessThanOrEqual(MAX_SESSIONS);

      const [{ sessions, store }] = nodes as [Node];
      const live = (await sessions.list(USER, { limit: 100 })).sessions.map(({ id }) => id);
      const ended = [...traffic.issued].filter((id) => !live.includes(id));
      expect(announced.toSorted()).toEqual(ended.toSorted());
      for (const id of live) {
        const accepted = [];
        for (const { token } of traffic.tokensOf(id)) {
          const resolution = await sessions.resolve(token);
          if (resolution.status === 'active') accepted.push(resolution);
        }
        const generations = new Set(accepted.map(({ record }) => record.session.generation));
        expect(generations.size).toBeLessThanOrEqual(1);
        const { data } = (await store.find(id)) ?? { data: null };
        const { count = 0 } = JSON.parse(data ?? '{}') as { count?: number };
        expect(count).toBe(traffic.updates.get(id) ?? 0);
      }
      console.info(
        `${database.name}: seed ${seed}, ${history.size} answers, ${history.useCounts.accepted} uses accepted, ${ended.length} sessions ended`,
      );
    },
    SOAK_MS + 60_000,
  );
});
