import 'reflect-metadata';

import type { AddressInfo } from 'node:net';

import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { handle } from '../processes/handlers.js';
import { CurfewModule } from '../request/curfew.module.js';
import { collectedHeap } from './collected-heap.js';

handle({
  async start(databaseUrl: string): Promise<string> {
    const module = CurfewModule.forRoot(databaseUrl);
    const app = await NestFactory.create(module, new FastifyAdapter(), { logger: ['error'] });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    return `http://127.0.0.1:${port}`;
  },

  async heap(): Promise<number> {
    return collectedHeap();
  },
});
