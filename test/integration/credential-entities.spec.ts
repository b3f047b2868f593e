import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';

import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import { runSessionMigrations } from '../../libs/session/src/migrations.js';
import { describeEachDatabase } from '../support/databases.js';
import { Club, createTables, Member, MEMBER_PRINCIPAL } from '../support/member.entity.js';
import { collectEvents } from '../support/next-event.js';
import { createTestSessions } from '../support/session-service.js';
import { ENTITIES, STORE_OPTIONS } from '../support/session-store.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';

await describeEachDatabase('a credential in an embedded entity', (database) => {
  let dataSource: DataSource;
  let sessions: SessionService;
  let events: SessionEvents;
  let member: Member;
  let count = 0;

  beforeAll(async () => {
    dataSource = await database.connect({ entities: [Member, Club, ...ENTITIES] });
    await runSessionMigrations(dataSource);
    await createTables(dataSource);
    const principal = MEMBER_PRINCIPAL;
    const store = new TypeOrmSessionStore(dataSource, { ...STORE_OPTIONS, principal });
    ({ sessions, events } = createTestSessions({ store, options: { principal } }));
    dataSource.subscribers.push(new CredentialSubscriber(principal, store, events));
  });

  beforeEach(async () => {
    member = await dataSource.manager.save(newMember());
    await sessions.issue({ userId: member.code!, credential: 'old' });
  });

  function newMember(): Member {
    count += 1;
    return dataSource.manager.create(Member, {
      code: `M ${count}`,
      login: { passwordHash: 'old', blockedAt: null },
    });
  }

  async function liveOf(code: string): Promise<number> {
    return (await sessions.list(code)).sessions.length;
  }

  it('ends the sessions when it changes', async () => {
    member.login.passwordHash = 'new';
    await dataSource.manager.save(member);
    expect(await liveOf(member.code!)).toBe(0);
  });

  it('ends no session when it is saved as it is', async () => {
    await dataSource.manager.save(dataSource.manager.merge(Member, new Member(), member));
    expect(await liveOf(member.code!)).toBe(1);
  });

  it('ends the sessions of a user who is disabled', async () => {
    member.login.blockedAt = '1';
    await dataSource.manager.save(member);
    expect(await liveOf(member.code!)).toBe(0);
    await expect(sessions.issue({ userId: member.code!, credential: 'old' })).rejects.toMatchObject(
      { code: 'SESSION_CREDENTIAL_CHANGED' },
    );
  });

  it.each([
    ['sets it', { login: { passwordHash: 'new' } }],
    ['disables the user', { login: { blockedAt: '1' } }],
    ['sets it by an expression', { login: { passwordHash: () => `'new'` } }],
  ])('refuses an update by criteria that %s', async (_, change) => {
    await expect(
      dataSource.manager.update(Member, { key: member.key }, change),
    ).rejects.toMatchObject({ code: 'SESSION_CREDENTIAL_UPDATE_UNSEEN' });
    expect(await liveOf(member.code!)).toBe(1);
  });

  it('allows an update by criteria that repeats the id of the user', async () => {
    await dataSource.manager.update(Member, { key: member.key }, { code: member.code });
    expect(await liveOf(member.code!)).toBe(1);
  });

  it('ends the sessions under an id that the user no longer has', async () => {
    const before = member.code!;
    member.code = `${before} renamed`;
    await dataSource.manager.save(member);
    expect(await liveOf(before)).toBe(0);
  });

  it('ends the sessions under the old id when the credential changes with it', async () => {
    const before = member.code!;
    Object.assign(member, { code: `${before} renamed`, login: { passwordHash: 'new' } });
    await dataSource.manager.save(member);
    expect(await liveOf(before)).toBe(0);
  });

  it('lets a user without an id be changed and removed', async () => {
    member.code = null;
    await dataSource.manager.save(member);
    await sessions.issue({ userId: 'null' });
    member.login.passwordHash = 'new';
    await dataSource.manager.save(member);
    await dataSource.manager.remove(member);
    expect(await liveOf('null')).toBe(1);
    await sessions.revokeAllForUser('null');
  });

  it('ends the sessions of those whom the entity that they belong to saves', async () => {
    const other = await dataSource.manager.save(newMember());
    await sessions.issue({ userId: other.code! });
    const club = await dataSource.manager.save(
      dataSource.manager.create(Club, { name: 'chess', members: [member, other] }),
    );
    expect([await liveOf(member.code!), await liveOf(other.code!)]).toEqual([1, 1]);
    club.members[1]!.login.passwordHash = 'new';
    await dataSource.manager.save(club);
    expect([await liveOf(member.code!), await liveOf(other.code!)]).toEqual([1, 0]);
  });

  it('ends the sessions of those whom the entity that they belong to removes with itself', async () => {
    const club = await dataSource.manager.save(
      dataSource.manager.create(Club, { name: 'go', members: [member] }),
    );
    await dataSource.manager.remove(club);
    expect(await dataSource.manager.countBy(Member, { code: member.code! })).toBe(0);
    expect(await liveOf(member.code!)).toBe(0);
  });

  it('takes the end back with the savepoint, and keeps what came before it', async () => {
    const other = await dataSource.manager.save(newMember());
    await sessions.issue({ userId: other.code! });
    const revoked = collectEvents(events, 'principal:revoked');
    const changed = async (manager: EntityManager, user: Member): Promise<void> => {
      user.login.passwordHash = 'new';
      await manager.save(user);
    };
    await dataSource.transaction(async (manager) => {
      await changed(manager, other);
      const inner = manager.transaction(async (nested) => {
        await changed(nested, member);
        throw new Error('roll back');
      });
      await expect(inner).rejects.toThrow('roll back');
    });
    expect([await liveOf(member.code!), await liveOf(other.code!)]).toEqual([1, 0]);
    expect(revoked.map(({ userId }) => userId)).toEqual([other.code]);
  });

  it('ends the sessions of a user who is removed, softly and for good', async () => {
    await dataSource.manager.softRemove(member);
    expect(await liveOf(member.code!)).toBe(0);
    await dataSource.manager.recover(member);
    await sessions.issue({ userId: member.code!, credential: 'old' });
    await dataSource.manager.remove(dataSource.manager.merge(Member, new Member(), member));
    expect(await liveOf(member.code!)).toBe(0);
  });
});
