import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';

import { seconds } from '../../libs/session/src/core/duration.js';
import { currentSession } from '../../libs/session/src/invalidation/current-session.js';
import { SessionSweep } from '../../libs/session/src/invalidation/session-sweep.js';
import { SessionJobRunner } from '../../libs/session/src/jobs/session-job-runner.js';
import { PurgeRunner } from '../../libs/session/src/purge/purge-runner.js';
import { describeEachDatabase } from '../support/databases.js';
import { Club, Member } from '../support/member.entity.js';
import { collectEvents } from '../support/next-event.js';
import { openTriggerBench, tablePath, type TriggerBench } from '../support/trigger-bench.js';

await describeEachDatabase('the trigger on the users’ table', (database) => {
  let bench: TriggerBench;
  let member: Member;
  let code: string;
  let id: string;

  beforeAll(async () => {
    bench = await openTriggerBench(database);
  });

  beforeEach(async () => {
    ({ member, code, id } = await bench.signedIn());
  });

  const change = (set: string, manager: EntityManager = bench.dataSource.manager) =>
    manager.query(bench.updateSql(set, `[key] = ${member.key}`));

  const reasonOf = async (): Promise<string | null | undefined> =>
    (await bench.store.find(id))?.epochReason;

  it.each([
    ['another credential', `[login.passwordHash] = 'new'`, 'password-changed'],
    ['a credential that differs in case', `[login.passwordHash] = 'OLD'`, 'password-changed'],
    ['a credential with a space behind it', `[login.passwordHash] = 'old '`, 'password-changed'],
    ['a credential that is gone', `[login.passwordHash] = null`, 'password-changed'],
    ['a user who is disabled', `[login.blockedAt] = 1`, 'user-disabled'],
    [
      'a user who is disabled under another credential',
      `[login.blockedAt] = 1, [login.passwordHash] = 'new'`,
      'user-disabled',
    ],
    ['a date of deletion', `[removedAt] = current_timestamp`, 'user-deleted'],
    ['another id', `[code] = 'renamed'`, 'user-deleted'],
    ['no id any more', `[code] = null`, 'user-deleted'],
  ])('ends the sessions for %s in SQL of the application', async (_, set, reason) => {
    const { code: other } = await bench.signedIn();
    await change(set);
    expect(await bench.liveOf(code)).toEqual([]);
    expect(await reasonOf()).toBe(reason);
    expect(await bench.liveOf(other)).toHaveLength(1);
    await bench.dataSource.query(
      bench.updateSql(`[code] = 'was ${member.key}'`, `[key] = ${member.key}`),
    );
  });

  it.each([
    ['the same credential', `[login.passwordHash] = 'old'`],
    ['another column', '[key] = [key]'],
    ['a user who is enabled', `[login.blockedAt] = 0`],
    ['no date of deletion', `[removedAt] = null`],
  ])('ends no session for %s', async (_, set) => {
    await change(set);
    expect(await bench.liveOf(code)).toEqual([id]);
  });

  it('keeps the sessions ended of a user who is enabled again', async () => {
    await change(`[login.blockedAt] = 1`);
    await change(`[login.blockedAt] = null`);
    expect(await bench.liveOf(code)).toEqual([]);
    await bench.sessions.issue({ userId: code, credential: 'old' });
    expect(await bench.liveOf(code)).toHaveLength(1);
  });

  it('has what SQL ended announced by the next recurring run, once for each session', async () => {
    const { store, events } = bench;
    const runner = new SessionJobRunner(
      new SessionSweep(store, events),
      new PurgeRunner(store, events),
      seconds(1),
    );
    const recur = () => runner.run({ name: 'purge' }, new AbortController().signal);
    await recur();
    const revoked = collectEvents(bench.events, 'session:revoked');
    await change(`[login.passwordHash] = 'new'`);
    expect(revoked).toEqual([]);
    await recur();
    await recur();
    expect(revoked).toEqual([{ sessionId: id, userId: code, reason: 'password-changed' }]);
  });

  it('ends the sessions of a user whose row SQL deletes', async () => {
    await bench.dataSource.query(
      `delete from ${tablePath(bench.dataSource)} where ${bench.dataSource.driver.escape('key')} = ${member.key}`,
    );
    expect(await bench.liveOf(code)).toEqual([]);
    expect(await reasonOf()).toBe('user-deleted');
  });

  it('ends the sessions of all whom one statement changes, and of nobody else', async () => {
    const others = [await bench.signedIn(), await bench.signedIn()];
    const spared = await bench.signedIn();
    const keys = [member, ...others.map((other) => other.member)].map(({ key }) => key);
    await bench.dataSource.query(
      bench.updateSql(`[login.passwordHash] = 'new'`, `[key] in (${keys.join(', ')})`),
    );
    for (const ended of [code, ...others.map((other) => other.code)]) {
      expect(await bench.liveOf(ended)).toEqual([]);
    }
    expect(await bench.liveOf(spared.code)).toEqual([spared.id]);
  });

  it('lets others see the end at the commit and not before', async () => {
    await bench.dataSource.transaction(async (manager) => {
      await change(`[login.passwordHash] = 'new'`, manager);
      if (database.name !== 'sqlite') expect(await bench.liveOf(code)).toEqual([id]);
    });
    expect(await bench.liveOf(code)).toEqual([]);
  });

  it('takes the end back with the transaction', async () => {
    const rolledBack = bench.dataSource.transaction(async (manager) => {
      await change(`[login.passwordHash] = 'new'`, manager);
      throw new Error('roll back');
    });
    await expect(rolledBack).rejects.toThrow('roll back');
    expect(await bench.liveOf(code)).toEqual([id]);
  });

  it('ends nobody else’s sessions for a user whose id is the one that counts for everyone', async () => {
    await change(`[code] = '*'`);
    const { code: other } = await bench.signedIn();
    await change(`[login.passwordHash] = 'new'`);
    await change(`[code] = null`);
    expect(await bench.liveOf(other)).toHaveLength(1);
  });

  it('allows writes for a user whose id no session can have', async () => {
    for (const impossible of [`''`, 'null']) {
      await change(`[code] = ${impossible}`);
      await change(`[login.passwordHash] = 'of ${impossible.replaceAll("'", '"')}'`);
    }
    const { login } = await bench.dataSource.manager.findOneByOrFail(Member, { key: member.key });
    expect(login.passwordHash).toBe('of null');
  });

  it('does not begin an epoch anew, whatever the statement says of conflicts', async () => {
    const conflicts = { postgres: 'update', mariadb: 'update ignore', sqlite: 'update or replace' };
    for (const hash of ['first', 'second', 'third']) {
      const statement = bench.updateSql(
        `[login.passwordHash] = '${hash}'`,
        `[key] = ${member.key}`,
      );
      await bench.dataSource.query(statement.replace('update', conflicts[database.name]));
    }
    expect(await bench.store.epochOf(code)).toBe(3);
  });

  it.each<readonly [string, (manager: EntityManager) => Promise<unknown>]>([
    ['update()', (manager) => manager.update(Member, { code }, { login: { passwordHash: 'x' } })],
    ['softDelete()', (manager) => manager.softDelete(Member, { code })],
    ['delete()', (manager) => manager.delete(Member, { code })],
    [
      'a query builder',
      (manager) =>
        manager
          .createQueryBuilder()
          .update(Member)
          .set({ login: { blockedAt: '1' } })
          .where({ code })
          .execute(),
    ],
    [
      'upsert()',
      (manager) => manager.upsert(Member, { code, login: { passwordHash: 'x' } }, ['code']),
    ],
  ])('allows %s, and ends the sessions', async (_, write) => {
    await write(bench.dataSource.manager);
    expect(await bench.liveOf(code)).toEqual([]);
  });

  it('keeps the session in which an entity is saved, by one step of the epoch, and announces the end', async () => {
    const other = await bench.sessions.issue({ userId: code });
    const revoked = collectEvents(bench.events, 'principal:revoked');
    let rotations = 0;
    const current = { id, userId: code, requireRotation: () => void (rotations += 1) };
    for (const hash of ['new', 'newer']) {
      member.login.passwordHash = hash;
      await currentSession.run(current, () => bench.dataSource.manager.save(member));
    }
    expect(await bench.liveOf(code)).toEqual([id]);
    expect(await bench.liveOf(code)).not.toContain(other.session.id);
    expect([await bench.store.epochOf(code), rotations]).toEqual([2, 2]);
    expect(revoked).toEqual(
      [1, 2].map(() => ({ userId: code, reason: 'password-changed', exceptSessionId: id })),
    );
  });

  it('keeps the session through several saves of one transaction', async () => {
    const current = { id, userId: code, requireRotation: () => {} };
    await currentSession.run(current, () =>
      bench.dataSource.transaction(async (manager) => {
        for (const hash of ['new', 'newer']) {
          member.login.passwordHash = hash;
          await manager.save(member);
        }
      }),
    );
    expect(await bench.liveOf(code)).toEqual([id]);
  });

  it('ends the session of an entity’s save that SQL of the same transaction has ended before', async () => {
    const current = { id, userId: code, requireRotation: () => {} };
    await currentSession.run(current, () =>
      bench.dataSource.transaction(async (manager) => {
        await change(`[login.passwordHash] = 'by SQL'`, manager);
        member.login.passwordHash = 'new';
        await manager.save(member);
      }),
    );
    expect(await bench.liveOf(code)).toEqual([]);
  });

  it('ends every session of users whose entities are disabled or removed', async () => {
    const { member: removed, code: removedCode } = await bench.signedIn();
    const current = { id, userId: code, requireRotation: () => {} };
    member.login.blockedAt = '1';
    await currentSession.run(current, () => bench.dataSource.manager.save(member));
    await bench.dataSource.manager.remove(removed);
    expect(await bench.liveOf(code)).toEqual([]);
    expect(await bench.liveOf(removedCode)).toEqual([]);
    expect(await bench.store.epochOf(removedCode)).toBe(1);
  });

  it('ends the sessions of members whom the database deletes with their club', async () => {
    const club = await bench.dataSource.manager.save(
      bench.dataSource.manager.create(Club, { name: 'chess', members: [member] }),
    );
    await bench.dataSource.manager.delete(Club, { id: club.id });
    // MySQL and MariaDB run no trigger for what a foreign key deletes; the documentation says so.
    expect(await bench.liveOf(code)).toEqual(database.name === 'mariadb' ? [id] : []);
  });
});
