import 'reflect-metadata';

import type { AddressInfo } from 'node:net';

import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SessionChannel, SessionService, type SessionModuleOptions } from 'nestjs-curfew';

import { handle } from '../processes/handlers.js';
import { CurfewModule } from '../request/curfew.module.js';
import { sharedNow } from '../shared-clock.js';

export interface NodeInput {
  readonly databaseUrl: string;
  readonly options: Partial<SessionModuleOptions>;
}

export interface RevokeTimesInput {
  readonly userId: string;
  readonly times: number;
}

let app: INestApplication | undefined;

handle({
  async start({ databaseUrl, options }: NodeInput): Promise<string> {
    app = await NestFactory.create(
      CurfewModule.forRoot(databaseUrl, options),
      new FastifyAdapter(),
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    return `http://127.0.0.1:${port}`;
  },

  /** @returns how long this process may still answer from memory, in milliseconds; below 0 where it may not */
  async lease(): Promise<number> {
    return get(SessionChannel).leaseExpiresAt - performance.now();
  },

  /** @returns how long each revocation took, in milliseconds */
  async revokeTimes({ userId, times }: RevokeTimesInput): Promise<number[]> {
    const durations: number[] = [];
    for (let turn = 0; turn < times; turn += 1) {
      const start = performance.now();
      await get(SessionService).revokeAllForUser(userId);
      durations.push(performance.now() - start);
    }
    return durations;
  },

  /** @returns when it was done, by the clock that is shared */
  async revoke(userId: string): Promise<number> {
    await get(SessionService).revokeAllForUser(userId);
    return sharedNow();
  },
});

function get<T>(token: abstract new (...args: never[]) => T): T {
  if (app === undefined) throw new Error('Expected "start" first.');
  return app.get(token);
}
