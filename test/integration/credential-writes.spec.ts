import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import { currentSession } from '../../libs/session/src/invalidation/current-session.js';
import {
  installCredentialTrigger,
  runSessionMigrations,
} from '../../libs/session/src/migrations.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { createTables } from '../support/member.entity.js';
import { collectEvents } from '../support/next-event.js';
import { Admin, Guest, Machine, Person, Team } from '../support/person.entity.js';
import { createTestSessions } from '../support/session-service.js';
import { ENTITIES, STORE_OPTIONS } from '../support/session-store.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';

const UNSEEN = { code: 'SESSION_CREDENTIAL_UPDATE_UNSEEN' };

interface Bench {
  readonly dataSource: DataSource;
  readonly sessions: SessionService;
  readonly events: SessionEvents;
  /** A session of the user. */
  signIn(user: { readonly id: number }): Promise<string>;
  liveOf(user: { readonly id: number }): Promise<readonly string[]>;
  /** Runs `work` in a request with this session of the user's. */
  inSession<T>(user: { readonly id: number }, id: string, work: () => Promise<T>): Promise<T>;
}

async function open(database: TestDatabase, entity: Function, trigger = false): Promise<Bench> {
  const entities = [Person, Admin, Team, Guest, Machine, ...ENTITIES];
  const dataSource = await database.connect({ entities });
  await runSessionMigrations(dataSource);
  await createTables(dataSource);
  const principal = { entity, userId: 'id', credentials: ['passwordHash'], trigger };
  if (trigger) await installCredentialTrigger(dataSource, principal);
  const store = new TypeOrmSessionStore(dataSource, { ...STORE_OPTIONS, principal });
  const { sessions, events } = createTestSessions({ store, options: { principal } });
  dataSource.subscribers.push(new CredentialSubscriber(principal, store, events));
  return {
    dataSource,
    sessions,
    events,
    signIn: async ({ id }) => (await sessions.issue({ userId: String(id) })).session.id,
    liveOf: async ({ id }) =>
      (await sessions.list(String(id))).sessions.map((session) => session.id),
    inSession: ({ id: userId }, id, work) =>
      currentSession.run({ id, userId: String(userId), requireRotation: () => {} }, work),
  };
}

await describeEachDatabase('a credential of an entity with subtypes', (database) => {
  let bench: Bench;
  let admin: Admin;
  let id: string;

  beforeAll(async () => {
    bench = await open(database, Person);
  });

  beforeEach(async () => {
    admin = await bench.dataSource.manager.save(newAdmin(bench));
    id = await bench.signIn(admin);
  });

  it.each([
    ['that of the subtype', Admin],
    ['that of the type', Person],
  ])('ends the sessions when it is saved by %s', async (_, target) => {
    admin.passwordHash = 'new';
    await bench.dataSource.getRepository<Person>(target).save(admin);
    expect(await bench.liveOf(admin)).toEqual([]);
  });

  it('ends no session when it is saved as it is, though TypeORM does not load it', async () => {
    const known = await bench.dataSource
      .createQueryBuilder(Admin, 'admin')
      .addSelect('admin.passwordHash')
      .where({ id: admin.id })
      .getOneOrFail();
    expect(known.passwordHash).toBe('old');
    known.name = 'seen today';
    await bench.dataSource.manager.save(known);
    expect(await bench.liveOf(admin)).toEqual([id]);
    known.passwordHash = 'new';
    await bench.dataSource.manager.save(known);
    expect(await bench.liveOf(admin)).toEqual([]);
  });

  it('ends the other sessions when a hook of the entity sets it', async () => {
    await bench.signIn(admin);
    await bench.inSession(admin, id, () => saveByHook(bench, admin));
    expect(await bench.liveOf(admin)).toEqual([id]);
  });

  it('refuses user ids that TypeORM loads for nobody', () => {
    const principal = { entity: Person, userId: 'passwordHash', credentials: ['name'] };
    const boot = () => new TypeOrmSessionStore(bench.dataSource, { ...STORE_OPTIONS, principal });
    expect(boot).toThrow(/SESSION_OPTIONS_INVALID.*"passwordHash" of Person with `select: false`/);
  });

  it('ends the sessions of a user of whom only a part was loaded when they are removed', async () => {
    const part = await bench.dataSource
      .getRepository(Person)
      .findOneOrFail({ where: { id: admin.id }, select: { id: true } });
    await bench.dataSource.manager.remove(part);
    expect(await bench.liveOf(admin)).toEqual([]);
  });

  it.each([
    ['update() of the subtype', () => bench.dataSource.manager.update(Admin, { level: 1 }, SET)],
    ['updateAll()', () => bench.dataSource.getRepository(Person).updateAll(SET)],
    ['deleteAll()', () => bench.dataSource.getRepository(Admin).deleteAll()],
    [
      'upsert() of the subtype',
      () =>
        bench.dataSource.getRepository(Admin).upsert({ id: admin.id, name: 'ada', ...SET }, ['id']),
    ],
    ['an upsert under an alias', () => upsertOf(bench, admin, 'somebody').execute()],
    [
      'an upsert behind a comment',
      () => upsertOf(bench, admin).comment('INSERT INTO nothing').execute(),
    ],
  ])('refuses %s', async (_, write) => {
    await expect(write()).rejects.toMatchObject(UNSEEN);
    expect(await bench.liveOf(admin)).toEqual([id]);
  });

  it('spares the session that changes its own user and others in one save', async () => {
    const other = await bench.dataSource.manager.save(newAdmin(bench));
    for (const user of [admin, other]) {
      await bench.signIn(user);
      user.passwordHash = 'new';
    }
    await bench.inSession(admin, id, () =>
      bench.dataSource.manager.save([other, admin], { chunk: 1 }),
    );
    expect(await bench.liveOf(admin)).toEqual([id]);
    expect(await bench.liveOf(other)).toEqual([]);
  });

  it('ends nothing by a transaction on a query runner that is rolled back', async () => {
    const revoked = collectEvents(bench.events, 'principal:revoked');
    const runner = bench.dataSource.createQueryRunner();
    for (const end of ['rollbackTransaction', 'commitTransaction'] as const) {
      await runner.startTransaction();
      await runner.manager.save([Object.assign(admin, { passwordHash: `after ${end}` })]);
      expect(revoked).toEqual([]);
      await runner[end]();
      expect(await bench.liveOf(admin)).toEqual(end === 'rollbackTransaction' ? [id] : []);
    }
    await runner.release();
    expect(revoked).toHaveLength(1);
  });
});

await describeEachDatabase('a credential of a subtype', (database) => {
  it('is not written by criteria of the type unseen', async () => {
    const bench = await open(database, Admin);
    const admin = await bench.dataSource.manager.save(newAdmin(bench));
    const id = await bench.signIn(admin);
    const people = bench.dataSource.getRepository(Person);
    await expect(people.update({ id: admin.id }, SET)).rejects.toMatchObject(UNSEEN);
    expect(await bench.liveOf(admin)).toEqual([id]);
    await people.save({ id: admin.id, passwordHash: 'new' });
    expect(await bench.liveOf(admin)).toEqual([]);
  });
});

await describeEachDatabase('a hook that sets a credential under the trigger', (database) => {
  it('ends the other sessions, and not the one that saved the entity', async () => {
    const bench = await open(database, Person, true);
    const admin = await bench.dataSource.manager.save(newAdmin(bench));
    const [id] = [await bench.signIn(admin), await bench.signIn(admin)];
    await bench.inSession(admin, id, () => saveByHook(bench, admin));
    expect(await bench.liveOf(admin)).toEqual([id]);
  });
});

await describeEachDatabase('users beside others', (database) => {
  let bench: Bench;
  let guest: Guest;
  let id: string;

  beforeAll(async () => {
    bench = await open(database, Guest);
  });

  beforeEach(async () => {
    const fresh = { passwordHash: 'old' };
    guest = await bench.dataSource.manager.save(bench.dataSource.manager.create(Guest, fresh));
    id = await bench.signIn(guest);
  });

  it('keep their sessions whatever happens to a subtype that has a table of its own', async () => {
    const machines = bench.dataSource.getRepository(Machine);
    const machine = await machines.save({ id: guest.id, passwordHash: 'old', model: 'T' });
    await machines.save({ id: machine.id, passwordHash: 'new' });
    await machines.update({ model: 'T' }, SET);
    await machines.remove(machine);
    expect(await bench.liveOf(guest)).toEqual([id]);
  });

  it('are not removed as orphans unseen', async () => {
    const team = await bench.dataSource.manager.save(
      bench.dataSource.manager.create(Team, { guests: [guest] }),
    );
    team.guests = [];
    await expect(bench.dataSource.manager.save(team)).rejects.toMatchObject(UNSEEN);
    expect(await bench.liveOf(guest)).toEqual([id]);
  });
});

const SET = { passwordHash: 'set' };

function newAdmin({ dataSource }: Bench): Admin {
  return dataSource.manager.create(Admin, { name: 'ada', passwordHash: 'old', level: 1 });
}

/** Saves the user as an application loads them: without the credential, which the hook sets. */
async function saveByHook({ dataSource }: Bench, { id }: Admin): Promise<void> {
  const loaded = await dataSource.manager.findOneByOrFail(Admin, { id });
  await dataSource.manager.save(Object.assign(loaded, { name: 'anew', password: 'secret' }));
}

function upsertOf({ dataSource }: Bench, { id, name }: Admin, alias?: string) {
  return dataSource
    .getRepository(Admin)
    .createQueryBuilder(alias)
    .insert()
    .values({ id, name, ...SET })
    .orUpdate(['passwordHash'], ['id']);
}
