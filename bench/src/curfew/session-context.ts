import 'reflect-metadata';

import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionModule, type SessionModuleOptions } from 'nestjs-curfew';
import pg from 'pg';

import { POOL_SIZE } from '../request/pool-size.js';

/** `SessionModule` without HTTP, over tables that are there, and without a purge of its own. */
export function startSessionContext(
  databaseUrl: string,
  options: Partial<SessionModuleOptions> = {},
): Promise<INestApplicationContext> {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: databaseUrl,
        driver: pg,
        poolSize: POOL_SIZE,
        autoLoadEntities: true,
      }),
      SessionModule.forRoot({ secret: 's'.repeat(32), jobs: { driver: 'none' }, ...options }),
    ],
  })
  class ContextModule {}

  return NestFactory.createApplicationContext(ContextModule, { logger: ['error'] });
}
