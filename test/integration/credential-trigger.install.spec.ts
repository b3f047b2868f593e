import { randomBytes } from 'node:crypto';

import { afterEach, beforeAll, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import { currentSession } from '../../libs/session/src/invalidation/current-session.js';
import {
  installCredentialTrigger,
  removeCredentialTrigger,
} from '../../libs/session/src/migrations.js';
import { assertCredentialTrigger } from '../../libs/session/src/store/trigger/install-credential-trigger.js';
import { Account } from '../support/account.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { MEMBER_PRINCIPAL } from '../support/member.entity.js';
import { createAccounts } from '../support/session-store.js';
import { openTriggerBench, type TriggerBench } from '../support/trigger-bench.js';

const MISSING = { code: 'SESSION_TRIGGER_MISSING' };

await describeEachDatabase('installCredentialTrigger', (database) => {
  let bench: TriggerBench;
  let dataSource: DataSource;

  beforeAll(async () => {
    bench = await openTriggerBench(database);
    ({ dataSource } = bench);
    await createAccounts(dataSource);
  });

  afterEach(() => installCredentialTrigger(dataSource, MEMBER_PRINCIPAL));

  const check = (principal = MEMBER_PRINCIPAL): Promise<void> =>
    assertCredentialTrigger(dataSource, principal);

  async function endsSessions(): Promise<boolean> {
    const { member, code } = await bench.signedIn();
    await dataSource.query(
      bench.updateSql(`[login.passwordHash] = 'new'`, `[key] = ${member.key}`),
    );
    return (await bench.liveOf(code)).length === 0;
  }

  it('may be run again, by several at once', async () => {
    const again = (): Promise<void> => installCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
    await Promise.all([again(), again(), again()]);
    await check();
    const { member, code } = await bench.signedIn();
    await dataSource.query(
      bench.updateSql(`[login.passwordHash] = 'new'`, `[key] = ${member.key}`),
    );
    expect(await bench.store.epochOf(code)).toBe(1);
  });

  it('leaves a trigger that is the same as it is', async () => {
    const sent: string[] = [];
    const watch = { beforeQuery: ({ query }: { query: string }) => void sent.push(query) };
    dataSource.subscribers.push(watch);
    await installCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
    dataSource.subscribers.splice(dataSource.subscribers.indexOf(watch), 1);
    expect(sent).not.toEqual([]);
    expect(sent.filter((statement) => /^\s*(create|drop)/i.test(statement))).toEqual([]);
  });

  it('replaces the trigger of other options, which a check finds out of date', async () => {
    const wider = { ...MEMBER_PRINCIPAL, credentials: ['login.passwordHash', 'login.blockedAt'] };
    await expect(check(wider)).rejects.toMatchObject(MISSING);
    await installCredentialTrigger(dataSource, wider);
    await check(wider);
    await expect(check()).rejects.toMatchObject(MISSING);
    expect(await endsSessions()).toBe(true);
  });

  it('is taken back by removeCredentialTrigger, which may be run again', async () => {
    await removeCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
    await removeCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
    await expect(check()).rejects.toMatchObject(MISSING);
    expect(await endsSessions()).toBe(false);
  });

  it('is not missed by entities that are saved: they end the sessions as without a trigger', async () => {
    await removeCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
    const { member, code, id } = await bench.signedIn();
    await bench.sessions.issue({ userId: code });
    member.login.passwordHash = 'new';
    const current = { id, userId: code, requireRotation: () => {} };
    await currentSession.run(current, () => dataSource.manager.save(member));
    expect(await bench.liveOf(code)).toEqual([id]);
    await dataSource.manager.remove(member);
    expect(await bench.liveOf(code)).toEqual([]);
  });

  it('takes part in the transaction of a migration', async () => {
    await removeCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
    const queryRunner = dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await installCredentialTrigger(queryRunner, MEMBER_PRINCIPAL);
    await queryRunner.rollbackTransaction();
    // MySQL and MariaDB commit each statement that defines something.
    if (database.name !== 'mariadb') await expect(check()).rejects.toMatchObject(MISSING);
    await queryRunner.startTransaction();
    await installCredentialTrigger(queryRunner, MEMBER_PRINCIPAL);
    await queryRunner.commitTransaction();
    await queryRunner.release();
    await check();
    expect(await endsSessions()).toBe(true);
  });

  it('stands beside the trigger of another table', async () => {
    const accounts = { entity: Account, credentials: ['passwordHash'], disabled: 'isDisabled' };
    await installCredentialTrigger(dataSource, accounts);
    await check();
    await dataSource.manager.insert(Account, { id: 'a', passwordHash: 'old', isDisabled: false });
    await bench.sessions.issue({ userId: 'a' });
    await dataSource.query(`update accounts set is_disabled = ${trueOn(database.name)}`);
    expect(await bench.liveOf('a')).toEqual([]);
    await removeCredentialTrigger(dataSource, accounts);
    await check();
  });

  it.each([
    ['a property that there is not', { ...MEMBER_PRINCIPAL, credentials: ['nothing'] }],
    ['an entity that there is not', { ...MEMBER_PRINCIPAL, entity: Date }],
  ])('refuses %s', async (_, principal) => {
    await expect(installCredentialTrigger(dataSource, principal)).rejects.toMatchObject({
      code: 'SESSION_OPTIONS_INVALID',
    });
  });
});

function trueOn(name: string): string {
  return name === 'postgres' ? 'true' : '1';
}

await describeEachDatabase(
  'installCredentialTrigger in a schema of its own',
  (database) => {
    it('ends sessions for whoever writes the table, with another search path and no right to sessions', async () => {
      const bench = await openTriggerBench(database, { schema: 'shop', entityPrefix: 'my_' });
      const { dataSource } = bench;
      const { member, code } = await bench.signedIn();
      const role = `curfew_test_${randomBytes(6).toString('hex')}`;
      await dataSource.query(`create role ${role}; grant ${role} to current_user`);
      try {
        await dataSource.query(`grant usage on schema shop to ${role};
          grant select, update on all tables in schema shop to ${role};
          revoke all on shop.my_session_principals from ${role}`);
        await dataSource.transaction(async (manager) => {
          await manager.query(`set local role ${role}; set local search_path = pg_catalog`);
          await manager.query(
            bench.updateSql(`[login.passwordHash] = 'new'`, `[key] = ${member.key}`),
          );
        });
        expect(await bench.liveOf(code)).toEqual([]);
      } finally {
        await dataSource.query(`drop owned by ${role}; drop role ${role}`);
      }
    });
  },
  ['postgres'],
);
