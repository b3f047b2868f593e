import { type DynamicModule, Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { SessionModule } from 'nestjs-curfew';

import { AuthModule } from './auth/auth.module.js';
import { CartModule } from './cart/cart.module.js';
import type { Settings } from './config.js';
import { DatabaseErrorInterceptor } from './database-error.interceptor.js';
import { databaseModule } from './database.module.js';
import { DevicesModule } from './devices/devices.module.js';
import { HealthModule } from './health/health.module.js';
import { PageModule } from './page/page.module.js';
import { PurgeLog } from './purge-log.js';
import { sessionOptions } from './session-options.js';

/** The web process. */
@Module({})
export class AppModule {
  static register(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        databaseModule(settings),
        SessionModule.forRoot(sessionOptions(settings)),
        AuthModule,
        DevicesModule,
        CartModule,
        HealthModule,
        PageModule,
      ],
      providers: [
        PurgeLog,
        { provide: APP_INTERCEPTOR, useClass: DatabaseErrorInterceptor },
        { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
      ],
    };
  }
}
