import { afterEach, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Optional,
  Post,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  CurrentSession,
  CurrentUserId,
  days,
  minutes,
  Public,
  RequestSession,
  SessionModule,
  SessionService,
  type SessionModuleExtras,
  type SessionModuleOptions,
  type SessionOptionsFactory,
} from 'nestjs-curfew';
import { runSessionMigrations } from 'nestjs-curfew/migrations';
import { FakeClock } from 'nestjs-curfew/testing';
import { DataSource, DefaultNamingStrategy } from 'typeorm';

import { Browser } from '../support/browser.js';
import { captureLogs } from '../support/captured-logger.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';

type Imports = NonNullable<ModuleMetadata['imports']>;

const logs = captureLogs();
const running: INestApplication[] = [];

const OPTIONS: SessionModuleOptions = {
  secret: 'a secret of at least thirty-two bytes',
  jobs: { driver: 'none' },
};

@Controller()
class Routes {
  @Public()
  @Post('login')
  login(@CurrentSession() session: RequestSession) {
    session.signIn('ann');
  }

  @Get('me')
  me(@CurrentUserId() userId: string) {
    return { userId };
  }
}

/** As of a house where columns are written in capitals. */
class ShoutingNames extends DefaultNamingStrategy {
  override tableName(target: string, given: string | undefined): string {
    return `t_${super.tableName(target, given)}`;
  }

  override columnName(property: string, given: string, prefixes: string[]): string {
    return super.columnName(property, given, prefixes).toUpperCase();
  }
}

/** What an application keeps its settings in. */
@Injectable()
class Settings implements SessionOptionsFactory {
  readonly sessions = OPTIONS;

  createSessionOptions(): SessionModuleOptions {
    return this.sessions;
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({})
class Near {}

@Module({})
class Far {}

@Module({})
class Other {}

/** Starts an application of these modules, with the tables of its sessions made. */
async function start(imports: Imports, dataSource?: string): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports, controllers: [Routes] }).compile();
  const app = module.createNestApplication();
  running.push(app);
  await runSessionMigrations(app.get<DataSource>(getDataSourceToken(dataSource)));
  return app.listen(0, '127.0.0.1').then(() => app);
}

function typeOrm(database: TestDatabase, extra: Record<string, unknown> = {}) {
  return TypeOrmModule.forRoot({ ...database.options(extra), autoLoadEntities: true });
}

/** Signs in, and is let in where a stranger is not. */
async function expectSessions(app: INestApplication): Promise<Browser> {
  const browser = new Browser(await app.getUrl());
  expect((await browser.get('/me')).status).toBe(401);
  expect((await browser.post('/login')).status).toBe(201);
  expect(await browser.get('/me')).toMatchObject({ status: 200, body: { userId: 'ann' } });
  return browser;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
  logs.length = 0;
});

await describeEachDatabase('SessionModule', (database) => {
  it.each<[string, () => Imports[number]]>([
    ['forRoot', () => SessionModule.forRoot(OPTIONS)],
    [
      'forRootAsync with useFactory, imports and inject',
      () =>
        SessionModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async (settings: Settings) => settings.sessions,
        }),
    ],
    ['forRootAsync with useClass', () => SessionModule.forRootAsync({ useClass: Settings })],
    [
      'forRootAsync with useExisting',
      () => SessionModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings }),
    ],
  ])('serves sessions by %s', async (_, sessions) => {
    await expectSessions(await start([typeOrm(database), sessions()]));
  });

  it.each<[string, (extras: SessionModuleExtras) => Imports[number]]>([
    ['forRoot', (extras) => SessionModule.forRoot({ ...OPTIONS, ...extras })],
    [
      'forRootAsync',
      (extras) => SessionModule.forRootAsync({ useFactory: () => OPTIONS, ...extras }),
    ],
  ])('is seen where it is imported only, with isGlobal: false by %s', async (_, register) => {
    @Injectable()
    class Friend {
      constructor(@Optional() readonly sessions?: SessionService) {}
    }
    @Injectable()
    class Stranger extends Friend {}
    const featuresOf = (own: Imports[number]): Imports => [
      { module: Near, imports: [own], providers: [Friend] },
      { module: Far, providers: [Stranger] },
    ];

    const confined = register({ isGlobal: false });
    const app = await start([typeOrm(database), ...featuresOf(confined)]);
    expect(app.get(Friend).sessions).toBeInstanceOf(SessionService);
    expect(app.get(Stranger).sessions).toBeUndefined();
    await expectSessions(app);

    const open = await start([typeOrm(database), register({}), ...featuresOf(Other)]);
    expect(open.get(Stranger).sessions).toBeInstanceOf(SessionService);
  });

  it('keeps its tables in the data source that is named, and not in the default one', async () => {
    const app = await start(
      [
        typeOrm(database, { entityPrefix: 'default_' }),
        typeOrm(database, { name: 'second', entityPrefix: 'second_' }),
        SessionModule.forRoot({ ...OPTIONS, dataSource: 'second' }),
      ],
      'second',
    );
    await expectSessions(app);
    const second = app.get<DataSource>(getDataSourceToken('second'));
    expect(await second.query('select user_id from second_sessions')).toEqual([{ user_id: 'ann' }]);
    await expect(app.get(DataSource).query('select 1 from default_sessions')).rejects.toThrow(
      /default_sessions/,
    );
  });

  it('respects a prefix and a naming strategy', async () => {
    const app = await start([
      typeOrm(database, { entityPrefix: 'shop_', namingStrategy: new ShoutingNames() }),
      SessionModule.forRoot(OPTIONS),
    ]);
    await expectSessions(app);
    const dataSource = app.get(DataSource);
    const name = dataSource.driver.escape('USER_ID');
    expect(await dataSource.query(`select ${name} as found from shop_t_sessions`)).toEqual([
      { found: 'ann' },
    ]);
  });

  it.each(['before', 'after'])(
    'writes the last activity before the data source closes, imported %s TypeOrmModule',
    async (order) => {
      const clock = new FakeClock(Date.UTC(2100, 0, 1));
      const sessions = SessionModule.forRoot({ ...OPTIONS, clock });
      const both = [sessions, typeOrm(database)];
      const app = await start(order === 'before' ? both : both.toReversed());
      const dataSource = app.get(DataSource);
      await dataSource.query('delete from sessions');
      const browser = await expectSessions(app);
      clock.advance(minutes(5));
      await browser.get('/me');
      await app.close();

      expect(dataSource.isInitialized).toBe(false);
      const left = await database.connect();
      const rows = await left.query<{ seen: unknown }[]>(
        'select last_seen_at as seen from sessions',
      );
      expect(rows.map(({ seen }) => Number(seen))).toEqual([clock.now()]);
      expect(logs.filter((line) => /error|failed/i.test(line))).toEqual([]);
    },
  );
});

await describeEachDatabase(
  'SessionModule in a schema',
  (database) => {
    it('serves sessions from the tables of that schema', async () => {
      const app = await start([
        typeOrm(database, { schema: 'auth' }),
        SessionModule.forRoot(OPTIONS),
      ]);
      await expectSessions(app);
      expect(await app.get(DataSource).query('select user_id from auth.sessions')).toEqual([
        { user_id: 'ann' },
      ]);
    });
  },
  ['postgres'],
);

await describeEachDatabase(
  'SessionModule on a server that TypeORM takes for MySQL',
  (database) => {
    it('serves sessions, ends them and purges them', async () => {
      const clock = new FakeClock();
      const app = await start([
        typeOrm(database, { type: 'mysql' }),
        SessionModule.forRoot({ ...OPTIONS, clock }),
      ]);
      const browser = await expectSessions(app);
      await app.get(SessionService).revokeAllForUser('ann');
      expect((await browser.get('/me')).status).toBe(401);
      clock.advance(days(3));
      expect(await app.get(SessionService).purge()).toMatchObject({ deleted: 1, more: false });
    });
  },
  ['mariadb'],
);
