import { beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { installCredentialTrigger, runSessionMigrations } from 'nestjs-curfew/migrations';
import type { DataSource } from 'typeorm';

import { Account } from '../support/account.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { startHttpApp, type HttpApp } from '../support/http-app.js';
import { createAccounts, ENTITIES } from '../support/session-store.js';

const ACCOUNTS = { entity: Account, credentials: ['passwordHash'], disabled: 'isDisabled' };

await describeEachDatabase('an application with principal.trigger', (database) => {
  let dataSource: DataSource;

  beforeAll(async () => {
    dataSource = await database.connect({ entities: ENTITIES });
    await runSessionMigrations(dataSource);
    await createAccounts(dataSource);
  });

  const start = (prepare: (app: INestApplication) => void = () => {}): Promise<HttpApp> =>
    startHttpApp('express', database, {
      imports: [TypeOrmModule.forFeature([Account])],
      options: { principal: { ...ACCOUNTS, trigger: true } },
      prepare,
    });

  it('does not start while the trigger is missing, and says what to do', async () => {
    let app: INestApplication | undefined;
    await expect(start((created) => (app = created))).rejects.toMatchObject({
      code: 'SESSION_TRIGGER_MISSING',
      message: expect.stringContaining('installCredentialTrigger'),
    });
    await app?.close();
  });

  it('signs everyone else out whose password is written by SQL, by criteria or with an entity', async () => {
    await installCredentialTrigger(dataSource, ACCOUNTS);
    const app = await start();
    try {
      await app.dataSource
        .getRepository(Account)
        .save({ id: 'ann', passwordHash: 'first', isDisabled: false });
      const statuses = async (
        change: () => Promise<unknown>,
      ): Promise<readonly [number, number]> => {
        const [own, other] = [await app.signedIn('ann'), await app.signedIn('ann')];
        app.on('work', change);
        expect((await own.post('/guarded/work')).status).toBe(200);
        return [(await own.get('/me')).status, (await other.get('/me')).status];
      };
      const accounts = app.dataSource.getRepository(Account);
      const bySql = (): Promise<unknown> =>
        dataSource.query(`update accounts set password_hash = 'by SQL' where id = 'ann'`);
      const byCriteria = (): Promise<unknown> =>
        accounts.update({ id: 'ann' }, { passwordHash: 'by criteria' });
      const byEntity = (): Promise<unknown> =>
        accounts.save({ id: 'ann', passwordHash: 'by entity' });
      expect(await statuses(bySql)).toEqual([401, 401]);
      expect(await statuses(byCriteria)).toEqual([401, 401]);
      expect(await statuses(byEntity)).toEqual([200, 401]);
    } finally {
      await app.close();
    }
  });
});
