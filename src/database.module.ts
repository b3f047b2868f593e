import type { DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';

import { BootError } from './boot-error.js';
import type { Settings } from './config.js';
import { connect, dataSourceOptions } from './data-source.js';

/** The one data source of a process. */
export function databaseModule({ databaseUrl }: Settings): DynamicModule {
  return TypeOrmModule.forRootAsync({
    useFactory: () => ({
      ...dataSourceOptions(databaseUrl),
      // A container is started again by its supervisor; a person wants to know now.
      toRetry: (error: unknown) => !(error instanceof BootError),
    }),
    dataSourceFactory: (options = dataSourceOptions(databaseUrl)) => connect(options),
  });
}
