import { Controller, Get, Module, Param, Post, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  CurrentSession,
  CurrentUserId,
  Public,
  RequestSession,
  SessionModule,
  type SessionModuleOptions,
} from 'nestjs-curfew';
import pg from 'pg';

import { POOL_SIZE } from './pool-size.js';

@Controller()
class CurfewController {
  @Public()
  @Post('login/:userId')
  login(@Param('userId') userId: string, @CurrentSession() session: RequestSession) {
    session.signIn(userId);
    return { userId };
  }

  @Get('me')
  me(@CurrentUserId() userId: string) {
    return { userId };
  }
}

/** All defaults, but no purge: nothing expires in the time that a measurement takes, and the peers have none either. */
@Module({})
export class CurfewModule {
  static forRoot(databaseUrl: string, options: Partial<SessionModuleOptions> = {}): DynamicModule {
    return {
      module: CurfewModule,
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: databaseUrl,
          // The same copy of the driver as the peers', whose statements are counted.
          driver: pg,
          poolSize: POOL_SIZE,
          autoLoadEntities: true,
        }),
        SessionModule.forRoot({ secret: 's'.repeat(32), jobs: { driver: 'none' }, ...options }),
      ],
      controllers: [CurfewController],
    };
  }
}
