import type { DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionModule, type SessionModuleOptions } from 'nestjs-curfew';
import pg from 'pg';

import { POOL_SIZE } from '../request/pool-size.js';

/** All defaults, but no purge: nothing expires in the time that a measurement takes, and the peers have none either. */
export function curfewImports(
  databaseUrl: string,
  options: Partial<SessionModuleOptions>,
): DynamicModule[] {
  return [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: databaseUrl,
      // The same copy of the driver as the peers', whose statements are counted.
      driver: pg,
      poolSize: POOL_SIZE,
      autoLoadEntities: true,
    }),
    SessionModule.forRoot({ secret: 's'.repeat(32), jobs: { driver: 'none' }, ...options }),
  ];
}
