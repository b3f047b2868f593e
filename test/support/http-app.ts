import {
  ConsoleLogger,
  type INestApplication,
  type LoggerService,
  type ModuleMetadata,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  SessionChannel,
  SessionEvents,
  SessionHealthIndicator,
  SessionModule,
  SessionService,
  SessionStore,
  type SessionModuleOptions,
} from 'nestjs-curfew';
import { FakeClock } from 'nestjs-curfew/testing';
import { runSessionMigrations } from 'nestjs-curfew/migrations';
import { DataSource } from 'typeorm';

import { OpenConnections } from '../../libs/session/src/http/open-connections.js';
import { Browser } from './browser.js';
import type { TestDatabase } from './databases.js';
import { Scripts, ScriptedRoutes, type Script } from './scripted-routes.js';
import { StatementLog } from './statement-log.js';

export type AdapterName = 'express' | 'fastify';

/** The name of the session cookie in these applications. */
export const COOKIE = '__Host-Http-id';

/** An application on a database, a clock that stands still, and routes that do what a test says. */
export interface HttpApp {
  readonly origin: string;
  readonly clock: FakeClock;
  readonly sessions: SessionService;
  readonly events: SessionEvents;
  readonly statements: StatementLog;
  readonly store: SessionStore;
  readonly channel: SessionChannel;
  readonly connections: OpenConnections;
  readonly health: SessionHealthIndicator;
  readonly scripts: Scripts;
  readonly dataSource: DataSource;
  /** Says what the routes ending in `name` do. */
  on(name: string, script: Script): void;
  browser(userAgent?: string): Browser;
  /** A browser that has signed in. */
  signedIn(userId: string): Promise<Browser>;
  /** How many rows there are. */
  rowCount(): Promise<number>;
  close(): Promise<void>;
}

export interface HttpAppSetup {
  readonly options?: Partial<SessionModuleOptions>;
  readonly globalGuard?: boolean;
  /** `null` for the database's own, else one that stands still. */
  readonly clock?: null;
  /** Silent unless given. */
  readonly logger?: LoggerService;
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly controllers?: NonNullable<ModuleMetadata['controllers']>;
  readonly providers?: NonNullable<ModuleMetadata['providers']>;
  /** What is set on the application before it starts. */
  readonly prepare?: (app: INestApplication) => void;
}

/** Starts an application on a port of its own. */
export async function startHttpApp(
  adapter: AdapterName,
  database: TestDatabase,
  setup: HttpAppSetup = {},
): Promise<HttpApp> {
  const {
    options = {},
    globalGuard = true,
    imports = [],
    controllers = [],
    providers = [],
    prepare,
  } = setup;
  const logger = setup.logger ?? new ConsoleLogger({ logLevels: [] });
  const clock = new FakeClock(Date.UTC(2026, 5, 1));
  const statements = new StatementLog();
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        ...database.options(),
        autoLoadEntities: true,
        logging: true,
        logger: statements,
      }),
      SessionModule.forRootAsync({
        globalGuard,
        useFactory: () => ({
          secret: 'a secret of at least thirty-two bytes',
          jobs: { driver: 'none' as const },
          ...(setup.clock === null ? {} : { clock }),
          ...options,
        }),
      }),
      ...imports,
    ],
    controllers: [ScriptedRoutes, ...controllers],
    providers: [Scripts, ...providers],
  })
    .setLogger(logger)
    .compile();
  const app = module.createNestApplication(
    adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter({ logger: false }),
  );
  prepare?.(app);
  const dataSource = app.get(DataSource);
  await runSessionMigrations(dataSource);
  await app.listen(0, '127.0.0.1');
  const origin = await app.getUrl();
  const scripts = app.get(Scripts);
  const browser = (userAgent?: string): Browser => new Browser(origin, userAgent);
  return {
    origin,
    clock,
    statements,
    scripts,
    dataSource,
    store: app.get(SessionStore),
    channel: app.get(SessionChannel),
    connections: app.get(OpenConnections),
    health: app.get(SessionHealthIndicator),
    sessions: app.get(SessionService),
    events: app.get(SessionEvents),
    on: (name, script) => scripts.set(name, script),
    browser,
    async signedIn(userId) {
      const signed = browser();
      await signed.post('/login', { userId });
      return signed;
    },
    rowCount: async () => (await app.get(SessionService).statistics()).sessions,
    close: () => app.close(),
  };
}
