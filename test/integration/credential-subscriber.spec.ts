import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Column, DeleteDateColumn, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';

import { isSessionError } from '../../libs/session/src/core/errors.js';
import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import { currentSession } from '../../libs/session/src/invalidation/current-session.js';
import { runSessionMigrations } from '../../libs/session/src/migrations.js';
import { resolveSessionOptions } from '../../libs/session/src/session.options-check.js';
import { SessionPrincipalEntity } from '../../libs/session/src/store/session-principal.entity.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { describeEachDatabase } from '../support/databases.js';
import { createTestSessions } from '../support/session-service.js';

@Entity('members')
class Member {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'varchar', length: 100 })
  name!: string;

  @Column({ type: 'varchar', length: 100 })
  passwordHash!: string;

  @Column({ type: 'boolean', default: false })
  isDisabled!: boolean;

  @DeleteDateColumn()
  deletedAt!: Date | null;
}

await describeEachDatabase('the credential subscriber', (database) => {
  const clock = new FakeClock();
  const principal = {
    entity: Member,
    userId: 'id',
    credentials: ['passwordHash'],
    disabled: 'isDisabled',
  };
  let events: SessionEvents;
  let dataSource: DataSource;
  let sessions: SessionService;
  let member: Member;
  let first: string;
  let second: string;
  let both: string[];

  beforeAll(async () => {
    const entities = [Member, SessionEntity, SessionPrincipalEntity];
    dataSource = await database.connect({ entities });
    await runSessionMigrations(dataSource);
    await createMembers(dataSource);
    const options = resolveSessionOptions({ secret: 's'.repeat(32), principal, clock });
    const store = new TypeOrmSessionStore(dataSource, options);
    ({ sessions, events } = createTestSessions({ store, clock, options: { principal } }));
    dataSource.subscribers.push(new CredentialSubscriber(principal, store, events));
  });

  beforeEach(async () => {
    const fresh = { name: 'ada', passwordHash: 'old', isDisabled: false };
    member = await dataSource.getRepository(Member).save(fresh);
    first = await signIn();
    second = await signIn();
    both = [first, second].toSorted();
  });

  let stopListening = (): void => {};
  afterEach(() => stopListening());

  async function signIn(): Promise<string> {
    const { session } = await sessions.issue({ userId: String(member.id) });
    return session.id;
  }

  async function live(): Promise<string[]> {
    const { sessions: found } = await sessions.list(String(member.id));
    return found.map(({ id }) => id).toSorted();
  }

  function save(change: Partial<Member>): Promise<Member> {
    return dataSource.getRepository(Member).save({ id: member.id, ...change });
  }

  it('ends the sessions of a user whose password changes', async () => {
    await save({ passwordHash: 'new' });
    expect(await live()).toEqual([]);
  });

  it('leaves the sessions alone when something else changes', async () => {
    await save({ name: 'lovelace' });
    await save({ passwordHash: 'old' });
    expect(await live()).toEqual(both);
  });

  it('leaves other users alone', async () => {
    const other = await dataSource
      .getRepository(Member)
      .save({ name: 'bob', passwordHash: 'x', isDisabled: false });
    await dataSource.getRepository(Member).save({ id: other.id, passwordHash: 'y' });
    expect(await live()).toEqual(both);
  });

  it('lets others see the end at the commit and not before', async () => {
    await dataSource.transaction(async (manager) => {
      await manager.getRepository(Member).save({ id: member.id, passwordHash: 'new' });
      if (database.name !== 'sqlite') expect(await live()).toEqual(both);
    });
    expect(await live()).toEqual([]);
  });

  it('takes the end back with the transaction, and announces nothing', async () => {
    const announced: unknown[] = [];
    stopListening = events.on('principal:revoked', (event) => announced.push(event));
    const rollback = new Error('roll back');
    await expect(
      dataSource.transaction(async (manager) => {
        await manager.getRepository(Member).save({ id: member.id, passwordHash: 'new' });
        throw rollback;
      }),
    ).rejects.toBe(rollback);
    expect(await live()).toEqual(both);
    expect(announced).toEqual([]);
  });

  it('announces the end once, after the commit', async () => {
    const announced: unknown[] = [];
    stopListening = events.on('principal:revoked', (event) => announced.push(event));
    await dataSource.transaction(async (manager) => {
      await manager.getRepository(Member).save({ id: member.id, passwordHash: 'new' });
      expect(announced).toEqual([]);
    });
    expect(announced).toEqual([
      { userId: String(member.id), reason: 'password-changed', exceptSessionId: null },
    ]);
  });

  it('keeps the session that made the change, and has its token rotated', async () => {
    let rotations = 0;
    const current = {
      id: first,
      userId: String(member.id),
      requireRotation: () => void (rotations += 1),
    };
    await currentSession.run(current, () => save({ passwordHash: 'new' }));
    expect(await live()).toEqual([first]);
    expect(rotations).toBe(1);
  });

  it("keeps an administrator's session out of a change of somebody else's password", async () => {
    let rotations = 0;
    const current = {
      id: 'the session of somebody else',
      userId: 'somebody else',
      requireRotation: () => void (rotations += 1),
    };
    await currentSession.run(current, () => save({ passwordHash: 'new' }));
    expect(await live()).toEqual([]);
    expect(rotations).toBe(0);
  });

  it('ends every session of a user who is disabled, even the one that does it', async () => {
    const current = { id: first, userId: String(member.id), requireRotation: () => {} };
    await currentSession.run(current, () => save({ isDisabled: true }));
    expect(await live()).toEqual([]);
  });

  it('keeps them ended when the user is enabled again', async () => {
    await save({ isDisabled: true });
    await save({ isDisabled: false });
    expect(await live()).toEqual([]);
    expect(await sessions.find(await signIn())).toBeDefined();
  });

  it('ends the sessions of a user who is removed', async () => {
    const userId = String(member.id);
    await dataSource.getRepository(Member).remove(member);
    expect((await sessions.list(userId)).sessions).toEqual([]);
  });

  it('ends the sessions of a user who is soft-removed', async () => {
    await dataSource.getRepository(Member).softRemove(member);
    expect(await live()).toEqual([]);
  });

  it('ends the sessions of a user whose deletion date is saved like any other column', async () => {
    await save({ deletedAt: new Date() });
    expect(await live()).toEqual([]);
  });

  it('leaves the sessions alone when a deletion date is taken back', async () => {
    await sessions.keepingSessions(() => save({ deletedAt: new Date() }));
    await dataSource.getRepository(Member).recover(member);
    expect(await live()).toEqual(both);
  });

  it('ends nothing for a stronger hash of the same password inside keepingSessions', async () => {
    await sessions.keepingSessions(() => save({ passwordHash: 'stronger' }));
    expect(await live()).toEqual(both);
  });

  it.each([
    [
      'update()',
      () => dataSource.getRepository(Member).update({ name: 'ada' }, { passwordHash: 'x' }),
    ],
    [
      'a disabling update()',
      () => dataSource.getRepository(Member).update({ name: 'ada' }, { isDisabled: true }),
    ],
    [
      'a deleting update()',
      () => dataSource.getRepository(Member).update({ name: 'ada' }, { deletedAt: new Date() }),
    ],
    ['delete()', () => dataSource.getRepository(Member).delete({ name: 'ada' })],
    ['softDelete()', () => dataSource.getRepository(Member).softDelete({ name: 'ada' })],
    [
      'a query builder',
      () =>
        dataSource
          .createQueryBuilder()
          .update(Member)
          .set({ passwordHash: 'x' })
          .where('name = :name', { name: 'ada' })
          .execute(),
    ],
    [
      'upsert()',
      () =>
        dataSource
          .getRepository(Member)
          .upsert({ id: member.id, name: 'ada', passwordHash: 'x' }, ['id']),
    ],
    [
      'a disabling upsert()',
      () =>
        dataSource
          .getRepository(Member)
          .upsert({ id: member.id, name: 'ada', passwordHash: 'old', isDisabled: true }, ['id']),
    ],
    [
      'a query builder that updates where it cannot insert',
      () =>
        dataSource
          .createQueryBuilder()
          .insert()
          .into(Member)
          .values({ id: member.id, name: 'ada', passwordHash: 'x', isDisabled: false })
          .orUpdate(['passwordHash'], ['id'])
          .execute(),
    ],
    [
      'save() without a transaction',
      () =>
        dataSource
          .getRepository(Member)
          .save({ id: member.id, passwordHash: 'x' }, { transaction: false }),
    ],
  ])('refuses %s, which would leave a thief signed in', async (_, write) => {
    const error: unknown = await write().catch((thrown: unknown) => thrown);
    expect(isSessionError(error, 'SESSION_CREDENTIAL_UPDATE_UNSEEN')).toBe(true);
    const stored = await dataSource.getRepository(Member).findOneByOrFail({ id: member.id });
    expect(stored.passwordHash).toBe('old');
    expect(await live()).toEqual(both);
  });

  it('allows an update by criteria of what is no credential', async () => {
    await dataSource.getRepository(Member).update({ id: member.id }, { name: 'byron' });
    expect(await live()).toEqual(both);
  });

  it('allows an upsert that leaves the credential of a user who is there as it is', async () => {
    const values = { id: member.id, name: 'byron', passwordHash: 'x', isDisabled: false };
    // TypeORM leaves a generated id out of an insert on PostgreSQL unless it is named.
    const insert = dataSource.createQueryBuilder().insert().into(Member, Object.keys(values));
    await insert.values(values).orUpdate(['name'], ['id']).execute();
    const stored = await dataSource.getRepository(Member).findOneByOrFail({ id: member.id });
    expect(stored).toMatchObject({ name: 'byron', passwordHash: 'old' });
    expect(await live()).toEqual(both);
  });

  it('allows an upsert inside keepingSessions', async () => {
    const values = { id: member.id, name: 'ada', passwordHash: 'stronger' };
    await sessions.keepingSessions(() => dataSource.getRepository(Member).upsert(values, ['id']));
    expect(await live()).toEqual(both);
  });

  it('ends the sessions of each of several users who are saved together', async () => {
    const users = dataSource.getRepository(Member);
    const others = await users.save(
      ['bob', 'eve', 'kim'].map((name) => ({ name, passwordHash: 'old', isDisabled: false })),
    );
    const all = [member, ...others];
    for (const { id } of all) await sessions.issue({ userId: String(id) });
    await users.save(all.map(({ id }) => ({ id, passwordHash: 'new' })));
    for (const { id } of all) expect((await sessions.list(String(id))).sessions).toEqual([]);
  });

  it('allows an update by criteria inside keepingSessions beside a revocation of the caller', async () => {
    await dataSource.transaction(async (manager) => {
      await sessions.revokeAllForUser(String(member.id), { manager, reason: 'password-changed' });
      await sessions.keepingSessions(() =>
        manager.getRepository(Member).update({ id: member.id }, { passwordHash: 'new' }),
      );
    });
    expect(await live()).toEqual([]);
  });

  it('refuses a sign-in with the credential that was replaced', async () => {
    const userId = String(member.id);
    await save({ passwordHash: 'new' });
    await expect(sessions.issue({ userId, credential: 'old' })).rejects.toMatchObject({
      code: 'SESSION_CREDENTIAL_CHANGED',
    });
    await sessions.issue({ userId, credential: 'new' });
    expect(await live()).toHaveLength(1);
  });
});

/** The application's own table, made as its own migrations would. */
async function createMembers(dataSource: DataSource): Promise<void> {
  const builder = dataSource.driver.createSchemaBuilder();
  const { upQueries } = await builder.log();
  for (const { query, parameters } of upQueries) await dataSource.query(query, parameters);
}
