import { afterEach, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  days,
  SessionEntity,
  SessionEvents,
  SessionModule,
  SessionPrincipalEntity,
  SessionService,
  SessionStore,
  type SessionModuleOptions,
} from 'nestjs-curfew';
import { runSessionMigrations } from 'nestjs-curfew/migrations';
import { FakeClock } from 'nestjs-curfew/testing';
import { SessionWorkerModule } from 'nestjs-curfew/worker';
import { DataSource } from 'typeorm';

import { captureLogs } from '../support/captured-logger.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { collectEvents, nextEvent } from '../support/next-event.js';
import { deleteKeys, findRedis } from '../support/redis.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const logs = captureLogs();
const redis = await findRedis();
const running: INestApplicationContext[] = [];

@Module({})
class AppModule {}

/** A process of an application: its module is `SessionModule` or `SessionWorkerModule`. */
async function boot(
  database: TestDatabase,
  sessions: NonNullable<ModuleMetadata['imports']>[number],
  ...others: NonNullable<ModuleMetadata['imports']>
): Promise<INestApplicationContext> {
  const entities = [SessionEntity, SessionPrincipalEntity];
  const dataSource = await new DataSource(database.options({ entities })).initialize();
  await runSessionMigrations(dataSource);
  await dataSource.destroy();
  const app = await NestFactory.createApplicationContext(
    {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot({ ...database.options(), autoLoadEntities: true, retryAttempts: 0 }),
        sessions,
        ...others,
      ],
    },
    { abortOnError: false },
  );
  running.push(app);
  return app;
}

function optionsOf(
  jobs: NonNullable<SessionModuleOptions['jobs']>,
  clock: FakeClock,
): SessionModuleOptions {
  return {
    secret: 'a secret of at least thirty-two bytes',
    retentionMs: 0,
    purge: { everyMs: 1000, bucketMs: 1000 },
    clock,
    jobs,
  };
}

async function issue(app: INestApplicationContext, userId: string): Promise<string> {
  const { session } = await app.get(SessionService).issue({ userId });
  return session.id;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
  if (redis !== undefined) await deleteKeys(redis.url, redis.prefix);
  logs.length = 0;
});

await describeEachDatabase('SessionModule with in-process jobs', (database) => {
  const options = (clock = new FakeClock()) => optionsOf({ driver: 'in-process' }, clock);

  it('purges what has ended and announces the sessions of a user that were ended together', async () => {
    const clock = new FakeClock();
    const app = await boot(database, SessionModule.forRoot(options(clock)));
    const events = app.get(SessionEvents);
    const revoked = collectEvents(events, 'session:revoked');
    const ids = [await issue(app, 'ann'), await issue(app, 'ann')];
    const last = nextEvent(events, 'session:revoked', () => revoked.length === 2);
    await app.get(SessionService).revokeAllForUser('ann', { reason: 'password-changed' });
    await last;
    expect(revoked.map(({ sessionId }) => sessionId).toSorted()).toEqual(ids.toSorted());

    const everyone = nextEvent(events, 'session:revoked');
    ids.push(await issue(app, 'bob'));
    await app.get(SessionService).revokeEveryone({ reason: 'incident' });
    expect(await everyone).toEqual({ sessionId: ids[2], userId: 'bob', reason: 'incident' });
    // Announced, and marked a moment later.
    await until(async () => (await app.get(SessionStore).stalePrincipals(1)).length === 0);

    clock.advance(days(1));
    const { byReason } = await nextEvent(events, 'purge:completed', ({ deleted }) => deleted === 3);
    expect(byReason).toEqual({ 'password-changed': 2, incident: 1 });
  });

  it('lists its interval in the application’s own registry until it is closed', async () => {
    const app = await boot(database, SessionModule.forRoot(options()), ScheduleModule.forRoot());
    const registry = app.get(SchedulerRegistry);
    expect(registry.getIntervals()).toEqual(['session-purge']);
    await app.close();
    expect(registry.getIntervals()).toEqual([]);
  });

  it('finishes the statement that runs before the data source is closed', async () => {
    const app = await boot(database, SessionModule.forRoot(options()));
    const store = app.get(SessionStore);
    const dataSource = app.get(DataSource);
    const purgeBatch = store.purgeBatch.bind(store);
    let wasOpen: boolean | undefined;
    const begun = new Promise<void>((resolve) => {
      store.purgeBatch = async (request) => {
        resolve();
        for (let count = 0; count < 50; count += 1) await dataSource.query('select 1');
        const batch = await purgeBatch(request);
        wasOpen = dataSource.isInitialized;
        return batch;
      };
    });
    await begun;
    await app.close();

    expect(wasOpen).toBe(true);
    expect(dataSource.isInitialized).toBe(false);
    expect(logs.filter((line) => line.includes('failed'))).toEqual([]);
  });
});

if (redis !== undefined) {
  const { url, prefix } = redis;
  const jobs = { driver: 'bullmq', connection: { url }, prefix } as const;

  await describeEachDatabase(
    'SessionWorkerModule',
    (database) => {
      it('does what the web process asks for and what is due, and the web process does not', async () => {
        const clock = new FakeClock();
        const web = await boot(database, SessionModule.forRoot(optionsOf(jobs, clock)));
        const worker = await boot(
          database,
          SessionWorkerModule.forRootAsync({ useFactory: async () => optionsOf(jobs, clock) }),
        );
        const [inWeb, inWorker] = [web, worker].map((app) => app.get(SessionEvents));
        const purgedInWeb = collectEvents(inWeb!, 'purge:completed');
        const id = await issue(web, 'ann');
        const revoked = nextEvent(inWorker!, 'session:revoked');
        await web.get(SessionService).revokeAllForUser('ann');
        expect(await revoked).toMatchObject({ sessionId: id, userId: 'ann', reason: 'revoked' });
        await until(async () => (await web.get(SessionStore).stalePrincipals(1)).length === 0);

        clock.advance(days(1));
        await nextEvent(inWorker!, 'purge:completed', ({ deleted }) => deleted === 1);
        expect(purgedInWeb).toEqual([]);
      });

      it('announces each session once beside a second worker', async () => {
        const clock = new FakeClock();
        const workers = [
          await boot(database, SessionWorkerModule.forRoot(optionsOf(jobs, clock))),
          await boot(database, SessionWorkerModule.forRoot(optionsOf(jobs, clock))),
        ];
        const events = workers.map((app) => app.get(SessionEvents));
        const revoked = events.map((each) => collectEvents(each, 'session:revoked'));
        const ids: string[] = [];
        for (let count = 0; count < 300; count += 1) ids.push(await issue(workers[0]!, 'ann'));
        const all = Promise.race(
          events.map((each) =>
            nextEvent(each, 'session:revoked', () => revoked.flat().length >= 300),
          ),
        );
        // Both of them are asked, and the recurring purge sweeps as well.
        await Promise.all(workers.map((app) => app.get(SessionService).revokeAllForUser('ann')));
        await all;
        await Promise.all(
          events.map((each) => Promise.race([nextEvent(each, 'purge:completed'), all])),
        );

        expect(
          revoked
            .flat()
            .map(({ sessionId }) => sessionId)
            .toSorted(),
        ).toEqual(ids.toSorted());
      });
    },
    ['postgres', 'mariadb'],
  );

  await describeEachDatabase('SessionWorkerModule on a queue that hangs', (database) => {
    it('finishes the statement that runs before the data source is closed', async () => {
      const proxy = await TcpProxy.start(url);
      const connection = { url: proxy.through(url) };
      const app = await boot(
        database,
        SessionWorkerModule.forRoot(optionsOf({ ...jobs, connection }, new FakeClock())),
      );
      const store = app.get(SessionStore);
      const dataSource = app.get(DataSource);
      const purgeBatch = store.purgeBatch.bind(store);
      let wasOpen: boolean | undefined;
      const begun = new Promise<void>((resolve) => {
        store.purgeBatch = async (request) => {
          resolve();
          const openCount = proxy.connectionCount;
          await until(() => proxy.connectionCount < openCount);
          for (let count = 0; count < 50; count += 1) await dataSource.query('select 1');
          const batch = await purgeBatch(request);
          wasOpen = dataSource.isInitialized;
          return batch;
        };
      });
      await begun;
      proxy.freeze();
      await app.close();
      await proxy.close();

      expect(wasOpen).toBe(true);
      expect(dataSource.isInitialized).toBe(false);
      expect(logs.filter((line) => line.includes('failed'))).toEqual([]);
    });
  });
}

await describeEachDatabase(
  'SessionWorkerModule',
  (database) => {
    it('refuses the driver none, with which it would do nothing', async () => {
      const options = optionsOf({ driver: 'none' }, new FakeClock());
      const booting = boot(database, SessionWorkerModule.forRoot(options));
      await expect(booting).rejects.toThrow(/SESSION_OPTIONS_INVALID.*"none"/);
    });

    it('runs the jobs by itself with the driver in-process', async () => {
      const options = optionsOf({ driver: 'in-process' }, new FakeClock());
      const app = await boot(database, SessionWorkerModule.forRoot(options));
      const { deleted } = await nextEvent(app.get(SessionEvents), 'purge:completed');
      expect(deleted).toBe(0);
    });
  },
  ['sqlite'],
);
