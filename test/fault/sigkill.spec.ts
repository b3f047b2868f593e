import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DEFAULT_SCHEMA, runMigrations } from 'bullmq';
import pg from 'pg';
import { DataSource } from 'typeorm';

import { SessionEvents } from '../../libs/session/src/core/session-events.js';
import { SessionStore } from '../../libs/session/src/core/session-store.js';
import { SessionService } from '../../libs/session/src/core/session.service.js';
import { runSessionMigrations } from '../../libs/session/src/migrations.js';
import type { SessionJobsOptions } from '../../libs/session/src/session.options.js';
import { Account } from '../support/account.entity.js';
import { captureLogs } from '../support/captured-logger.js';
import { compileSources } from '../support/compiled-sources.js';
import { crashModule, type CrashProcess } from '../support/crash-app.js';
import { SESSION_COUNT, type CrashPoint } from '../support/crash-points.js';
import type { CrashOrder } from '../support/crashing-process.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { collectEvents, nextEvent } from '../support/next-event.js';
import { ObservedProcess } from '../support/observed-process.js';
import { findRedis } from '../support/redis.js';
import { createAccounts, ENTITIES } from '../support/session-store.js';
import { until } from '../support/until.js';

captureLogs();
const redis = await findRedis();
const program = await compileSources('sigkill', ['libs/session/src', 'test/support']);

/** Each database with the queue that suits it. */
function jobsOn(database: TestDatabase, queueName: string): SessionJobsOptions {
  if (database.name === 'sqlite') return { driver: 'in-process' };
  if (database.name === 'mariadb' && redis !== undefined) {
    return { driver: 'bullmq', connection: { url: redis.url }, prefix: redis.prefix, queueName };
  }
  const connection = { url: databaseUrlOf(database.options()) };
  return { driver: 'bullmq', backend: 'postgres', connection, queueName };
}

await describeEachDatabase('A process that dies', (database) => {
  let observer: INestApplicationContext;
  let sessions: SessionService;
  const running: INestApplicationContext[] = [];
  let scenes = 0;
  let bystander: string;

  async function open(process: Omit<CrashProcess, 'database'>): Promise<INestApplicationContext> {
    const module = crashModule({ ...process, database: database.options() });
    const app = await NestFactory.createApplicationContext(module, { abortOnError: false });
    running.push(app);
    return app;
  }

  beforeAll(async () => {
    const dataSource = await database.connect({ entities: ENTITIES });
    await runSessionMigrations(dataSource);
    await createAccounts(dataSource);
    if (database.name === 'postgres') {
      const client = new pg.Client(databaseUrlOf(database.options()));
      await client.connect();
      await runMigrations(client, DEFAULT_SCHEMA);
      await client.end();
    }
    observer = await open({ role: 'web', jobs: { driver: 'none' } });
    sessions = observer.get(SessionService);
    bystander = (await sessions.issue({ userId: 'bystander' })).token;
  });
  afterEach(async () => {
    await Promise.all(running.splice(1).map((app) => app.close()));
  });
  afterAll(() => observer.close());

  /** A user with sessions, and the queue of one test. */
  async function begin() {
    scenes += 1;
    const userId = `user-${scenes}`;
    const account = { id: userId, passwordHash: 'old', isDisabled: false };
    await observer.get(DataSource).getRepository(Account).insert(account);
    const issued = [];
    for (let count = 0; count < SESSION_COUNT; count += 1) {
      issued.push(await sessions.issue({ userId }));
    }
    const tokens = issued.map(({ token }) => token);
    const ids = issued.map(({ session }) => session.id).toSorted();
    return { userId, tokens, ids, jobs: jobsOn(database, `queue-${scenes}`) };
  }
  type Scene = Awaited<ReturnType<typeof begin>>;

  const statusOf = async (token: string) => (await sessions.resolve(token)).status;
  const statuses = ({ tokens }: Scene) => Promise.all(tokens.map(statusOf));

  /** @returns the ids of the sessions that the process announced before it died. */
  async function crash(point: CrashPoint, { userId, tokens, jobs }: Scene): Promise<string[]> {
    const token = tokens[0] ?? '';
    const order: CrashOrder = { point, database: database.options(), jobs, userId, token };
    const path = join(program, 'test/support/crashing-process.js');
    const child = new ObservedProcess([process.execPath, path, JSON.stringify(order)], {}, '.');
    expect([await child.exited, child.output]).toEqual([null, expect.not.stringMatching(/rror/)]);
    return [...child.output.matchAll(/^announced (\S+)$/gm)].map(([, id = '']) => id);
  }

  /** What another process does once it runs. @returns the ids of the sessions that it announced, sorted. */
  async function recover({ jobs }: Scene): Promise<string[]> {
    const worker = await open({ role: 'worker', jobs });
    const events = worker.get(SessionEvents);
    const revoked = collectEvents(events, 'session:revoked');
    const expired = collectEvents(events, 'session:expired');
    await nextEvent(events, 'purge:completed');
    await until(async () => (await observer.get(SessionStore).stalePrincipals(1)).length === 0);
    await worker.close();
    expect(await statusOf(bystander)).toBe('active');
    return [...revoked, ...expired].map(({ sessionId }) => sessionId).toSorted();
  }

  const DEAD = Array.from({ length: SESSION_COUNT }, () => 'revoked');
  const LIVE = Array.from({ length: SESSION_COUNT }, () => 'active');

  it('ends and announces nothing for a password change that it had not committed', async () => {
    const scene = await begin();
    expect(await crash('before the commit of a password change', scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(LIVE);
    expect(await recover(scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(LIVE);
  });

  it('has ended the sessions with its commit, and another process announces each once', async () => {
    const scene = await begin();
    expect(await crash('after the commit of a password change', scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(DEAD);
    expect(await recover(scene)).toEqual(scene.ids);
    expect(await recover(scene)).toEqual([]);
  });

  if (database.name !== 'sqlite') {
    it('leaves its job to a worker that starts later', async () => {
      const scene = await begin();
      expect(await crash('after the job is enqueued', scene)).toEqual([]);
      expect(await recover(scene)).toEqual(scene.ids);
      expect(await statuses(scene)).toEqual(DEAD);
    });
  }

  it('has its sessions announced again where it dies after announcing, before its marks are committed', async () => {
    const scene = await begin();
    await sessions.revokeAllForUser(scene.userId, { reason: 'incident' });
    const announced = await crash('after announcing, before the marks are committed', scene);
    expect(announced.toSorted()).toEqual(scene.ids);
    expect(await statuses(scene)).toEqual(DEAD);
    expect(await recover(scene)).toEqual(scene.ids);
  });

  it('has no session announced again where it dies after the marks', async () => {
    const scene = await begin();
    await sessions.revokeAllForUser(scene.userId, { reason: 'incident' });
    const announced = await crash('after the marks are committed', scene);
    expect(announced.toSorted()).toEqual(scene.ids);
    expect(await recover(scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(DEAD);
  });

  it('leaves the rows of the purge in which it dies to the next one', async () => {
    const scene = await begin();
    const { manager } = observer.get(DataSource);
    for (const id of scene.ids) await sessions.revoke(id);
    await manager.query(`update sessions set purge_at = 1 where user_id = '${scene.userId}'`);
    const rows = () =>
      manager.query(`select id from sessions where user_id = '${scene.userId}'`) as Promise<
        object[]
      >;
    await crash('in the middle of a purge', scene);
    expect(await rows()).toHaveLength(SESSION_COUNT);
    await recover(scene);
    expect(await rows()).toEqual([]);
  });

  it('has deleted the rows of a purge, though their events are lost', async () => {
    const scene = await begin();
    const { manager } = observer.get(DataSource);
    await manager.query(
      `update sessions set expires_at = 1, purge_at = 1 where user_id = '${scene.userId}'`,
    );
    expect(await crash('after a purge was committed, before its events', scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(Array.from({ length: SESSION_COUNT }, () => 'absent'));
    expect(await recover(scene)).toEqual([]);
  });

  it('has ended the session that it was told to end, though its event is lost', async () => {
    const scene = await begin();
    expect(await crash('after a session was revoked, before its event', scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(['revoked', 'active', 'active']);
    expect(await recover(scene)).toEqual([]);
    expect(await statuses(scene)).toEqual(['revoked', 'active', 'active']);
  });

  it('loses the touches that it had not written, and no session', async () => {
    const scene = await begin();
    const seenAt = async () => (await sessions.find(scene.ids[0] ?? ''))?.lastSeenAt;
    const before = await seenAt();
    await crash('as touches are written', scene);
    expect(await statuses(scene)).toEqual(LIVE);
    expect(await seenAt()).toBe(before);
  });

  it('leaves the old token open where it dies before a rotation is committed', async () => {
    const scene = await begin();
    await crash('before a rotation is committed', scene);
    const { tokens } = scene;
    expect(await sessions.resolve(tokens[0])).toMatchObject({ status: 'active', successor: null });
    expect(await statuses(scene)).toEqual(LIVE);
  });

  it('lets the old token be exchanged where it dies after a rotation was committed', async () => {
    const scene = await begin();
    await crash('after a rotation is committed', scene);
    const found = await sessions.resolve(scene.tokens[0]);
    expect(found).toMatchObject({ status: 'active', successor: expect.any(String) });
    const successor = found.status === 'active' ? found.successor : null;
    expect(await statusOf(successor ?? '')).toBe('active');
  });
});
