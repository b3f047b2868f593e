import 'reflect-metadata';

import type { AddressInfo } from 'node:net';

import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { SessionModuleOptions } from 'nestjs-curfew';

import { handle } from '../processes/handlers.js';
import { NoSessionsModule } from './no-sessions.module.js';
import type { StorePlaces } from './peer-sessions.js';
import { statementCount } from './statement-count.js';
import type { Variant } from './variants.js';

export interface ServerInput {
  readonly variant: Variant;
  readonly places: StorePlaces;
}

/** What a server has used so far. */
export interface ServerUse {
  /** Processor time, in microseconds. */
  readonly cpuUs: number;
  readonly statements: number;
}

handle({
  async start({ variant, places }: ServerInput): Promise<string> {
    const app = await createApp(variant, places);
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    return `http://127.0.0.1:${port}`;
  },

  async use(): Promise<ServerUse> {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system, statements: statementCount() };
  },
});

async function createApp(variant: Variant, places: StorePlaces): Promise<INestApplication> {
  const adapter = variant.adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(await moduleOf(variant, places), adapter, {
    logger: ['error', 'warn'],
  });
  if (variant.kind === 'express-session' || variant.kind === 'fastify-session') {
    const { addPeerSessions } = await import('./peer-sessions.js');
    await addPeerSessions(app, variant, places);
  }
  return app;
}

/** Loaded on demand: no server pays for what another needs. */
async function moduleOf({ kind, cached }: Variant, { databaseUrl, redisUrl }: StorePlaces) {
  if (kind === 'none') return NoSessionsModule;
  if (kind === 'signed-cookie') {
    return (await import('./signed-cookie.module.js')).SignedCookieModule;
  }
  if (kind !== 'curfew') return (await import('./peer.module.js')).PeerModule;
  const { CurfewModule } = await import('./curfew.module.js');
  return CurfewModule.forRoot(databaseUrl, cached === true ? localCache(redisUrl) : {});
}

/** As `docs/cache.md` shows it, with room for every session: what is measured is the cache, not its size. */
function localCache(redisUrl: string): Partial<SessionModuleOptions> {
  return {
    channel: { driver: 'redis', connection: { url: redisUrl } },
    cache: { maxEntries: 20_000, ttlMs: 3000 },
  };
}
