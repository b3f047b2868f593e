import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';

import { describeEachDatabase } from '../support/databases.js';
import { Member } from '../support/member.entity.js';
import { openTriggerBench, type TriggerBench } from '../support/trigger-bench.js';

await describeEachDatabase('keepingSessions beside a trigger', (database) => {
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

  const change = (manager: EntityManager, set = `[login.passwordHash] = 'changed'`) =>
    manager.query(bench.updateSql(set, `[key] = ${member.key}`));

  const keeping = <T>(work: () => Promise<T>): Promise<T> => bench.sessions.keepingSessions(work);

  /** Rows of principals that no user can have. */
  async function leftMarks(): Promise<unknown[]> {
    const rows: unknown = await bench.dataSource.query(
      `select user_id as id from session_principals where user_id like '%keeping%'`,
    );
    return rows as unknown[];
  }

  it.each<readonly [string, (manager: EntityManager) => Promise<unknown>]>([
    ['update()', (manager) => manager.update(Member, { code }, { login: { passwordHash: 'x' } })],
    [
      'upsert()',
      (manager) => manager.upsert(Member, { code, login: { passwordHash: 'x' } }, ['code']),
    ],
    ['softDelete()', (manager) => manager.softDelete(Member, { code })],
    ['remove()', (manager) => manager.remove(member)],
    ['SQL of the application', (manager) => change(manager)],
  ])('ends nothing for %s in a transaction, and leaves no mark', async (_, write) => {
    await keeping(() => bench.dataSource.transaction((manager) => write(manager)));
    expect(await bench.liveOf(code)).toEqual([id]);
    expect(await leftMarks()).toEqual([]);
  });

  it('ends nothing for an entity that is saved', async () => {
    member.login.passwordHash = 'stronger';
    await keeping(() => bench.dataSource.manager.save(member));
    expect(await bench.liveOf(code)).toEqual([id]);
    expect(await leftMarks()).toEqual([]);
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    [
      'update()',
      () => bench.dataSource.manager.update(Member, { code }, { login: { passwordHash: 'x' } }),
    ],
    [
      'upsert()',
      () =>
        bench.dataSource.manager.upsert(Member, { code, login: { passwordHash: 'x' } }, ['code']),
    ],
    ['delete()', () => bench.dataSource.manager.delete(Member, { code })],
  ])(
    'refuses %s outside a transaction, which the trigger could not be told of',
    async (_, write) => {
      await expect(keeping(write)).rejects.toMatchObject({
        code: 'SESSION_CREDENTIAL_UPDATE_UNSEEN',
      });
      const stored = await bench.dataSource.manager.findOneByOrFail(Member, { code });
      expect(stored.login.passwordHash).toBe('old');
      expect(await bench.liveOf(code)).toEqual([id]);
    },
  );

  it('ends the sessions for SQL outside a transaction, which nothing marks', async () => {
    await keeping(() => change(bench.dataSource.manager));
    expect(await bench.liveOf(code)).toEqual([]);
  });

  it('ends the sessions for what the same transaction changes before and after', async () => {
    for (const order of ['before', 'after']) {
      const { member: other, code: otherCode } = await bench.signedIn();
      const changeOther = (manager: EntityManager) =>
        manager.query(bench.updateSql(`[login.passwordHash] = 'x'`, `[key] = ${other.key}`));
      await bench.dataSource.transaction(async (manager) => {
        if (order === 'before') await changeOther(manager);
        await keeping(() => change(manager, `[login.passwordHash] = '${order}'`));
        if (order === 'after') await changeOther(manager);
      });
      expect(await bench.liveOf(otherCode)).toEqual([]);
    }
    expect(await bench.liveOf(code)).toEqual([id]);
  });

  it('leaves no mark behind a write that fails and a transaction that goes on', async () => {
    const { code: taken } = await bench.signedIn();
    await bench.dataSource.transaction(async (manager) => {
      const failing = keeping(() =>
        manager.transaction((nested) => change(nested, `[code] = '${taken}'`)),
      );
      await expect(failing).rejects.toThrow(/unique|duplicate/i);
      await change(manager);
    });
    expect(await bench.liveOf(code)).toEqual([]);
    expect(await leftMarks()).toEqual([]);
  });

  it('leaves no mark behind a statement that another subscriber refuses', async () => {
    const { subscribers } = bench.dataSource;
    const refusal = {
      beforeQuery: ({ query }: { query: string }): void => {
        if (query.includes('refuse me')) throw new Error('refused');
      },
    };
    subscribers.push(refusal);
    try {
      await bench.dataSource.transaction(async (manager) => {
        const refused = keeping(() => manager.query('select 1 as "refuse me"'));
        await expect(refused).rejects.toThrow('refused');
        await change(manager);
      });
    } finally {
      subscribers.splice(subscribers.indexOf(refusal), 1);
    }
    expect(await bench.liveOf(code)).toEqual([]);
  });

  it('leaves no mark behind a transaction that is rolled back', async () => {
    const rolledBack = bench.dataSource.transaction(async (manager) => {
      await keeping(() => change(manager));
      throw new Error('roll back');
    });
    await expect(rolledBack).rejects.toThrow('roll back');
    // Of every connection that the pool may have reused.
    await Promise.all(Array.from({ length: 10 }, () => change(bench.dataSource.manager)));
    expect(await bench.liveOf(code)).toEqual([]);
    expect(await leftMarks()).toEqual([]);
  });

  it('keeps nothing that another transaction changes meanwhile', async () => {
    if (database.name === 'sqlite') return;
    const { member: other, code: otherCode } = await bench.signedIn();
    await bench.dataSource.transaction(async (manager) => {
      await keeping(async () => {
        await change(manager);
        await bench.dataSource.query(
          bench.updateSql(`[login.passwordHash] = 'x'`, `[key] = ${other.key}`),
        );
        await change(manager, `[login.passwordHash] = 'changed again'`);
      });
    });
    expect(await bench.liveOf(otherCode)).toEqual([]);
    expect(await bench.liveOf(code)).toEqual([id]);
  });

  it('ends the other sessions where the application says so beside it', async () => {
    const { session } = await bench.sessions.issue({ userId: code });
    await bench.dataSource.transaction(async (manager) => {
      await keeping(() => change(manager));
      await bench.sessions.revokeAllForUser(code, { manager, except: id });
    });
    expect(await bench.liveOf(code)).toEqual([id]);
    expect(await bench.liveOf(code)).not.toContain(session.id);
  });
});
