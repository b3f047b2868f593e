import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import expressSession, { type Store } from 'express-session';
import pg from 'pg';
import { createClient } from 'redis';

import { POOL_SIZE } from './pool-size.js';
import type { Variant } from './variants.js';

/** Where stores of peers keep their sessions. */
export interface StorePlaces {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisPrefix: string;
}

const SECRET = 's'.repeat(32);
/** The idle timeout that Curfew has unless told otherwise. */
const MAX_AGE_MS = 30 * 60 * 1000;

/** Set up as the documentation of each says, for production over plain HTTP. */
export async function addPeerSessions(
  app: INestApplication,
  { kind, store: storeName = 'memory' }: Pick<Variant, 'kind' | 'store'>,
  places: StorePlaces,
): Promise<void> {
  const store = await createStore(storeName, places);
  if (kind === 'express-session') {
    (app as NestExpressApplication).use(
      expressSession({
        secret: SECRET,
        resave: false,
        saveUninitialized: false,
        cookie: { maxAge: MAX_AGE_MS },
        store,
      }),
    );
    return;
  }
  const [{ default: cookie }, { default: session }] = await Promise.all([
    import('@fastify/cookie'),
    import('@fastify/session'),
  ]);
  const fastify = app as NestFastifyApplication;
  await fastify.register(cookie);
  await fastify.register(session, {
    secret: SECRET,
    saveUninitialized: false,
    cookie: { maxAge: MAX_AGE_MS, secure: false },
    store,
  });
}

async function createStore(
  name: NonNullable<Variant['store']>,
  { databaseUrl, redisUrl, redisPrefix }: StorePlaces,
): Promise<Store> {
  if (name === 'memory') return new expressSession.MemoryStore();
  if (name === 'redis') {
    const client = createClient({ url: redisUrl });
    client.on('error', (error) => console.error(error));
    await client.connect();
    return new RedisStore({ client, prefix: redisPrefix });
  }
  const PostgresStore = connectPgSimple(expressSession);
  return new PostgresStore({
    pool: new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE }),
    createTableIfMissing: true,
    disableTouch: name === 'postgres-without-touch',
    pruneSessionInterval: false,
  });
}
