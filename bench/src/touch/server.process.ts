import 'reflect-metadata';

import type { AddressInfo } from 'node:net';

import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';

import { handle } from '../processes/handlers.js';
import { CurfewModule } from '../request/curfew.module.js';
import { addPeerSessions } from '../request/peer-sessions.js';
import { PeerModule } from '../request/peer.module.js';
import { statementCount, updateCount } from '../request/statement-count.js';

export interface TouchServerInput {
  readonly databaseUrl: string;
  /** With connect-pg-simple, which has none, where it is `null`. */
  readonly touchIntervalMs: number | null;
}

export interface TouchServerUse {
  readonly statements: number;
  readonly updateStatements: number;
}

let app: INestApplication | undefined;

handle({
  async start(input: TouchServerInput): Promise<string> {
    app = await createApp(input);
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    return `http://127.0.0.1:${port}`;
  },

  async use(): Promise<TouchServerUse> {
    return { statements: statementCount(), updateStatements: updateCount() };
  },

  /** Writes what is pending. */
  async close(): Promise<void> {
    await app?.close();
  },
});

async function createApp({
  databaseUrl,
  touchIntervalMs,
}: TouchServerInput): Promise<INestApplication> {
  const module =
    touchIntervalMs === null ? PeerModule : CurfewModule.forRoot(databaseUrl, { touchIntervalMs });
  const created = await NestFactory.create(module, new ExpressAdapter(), { logger: ['error'] });
  if (touchIntervalMs === null) {
    const places = { databaseUrl, redisUrl: '', redisPrefix: '' };
    const peer = { kind: 'express-session', store: 'postgres' } as const;
    await addPeerSessions(created, peer, places);
  }
  return created;
}
