import { Controller, Get, Module, Param, Post, type DynamicModule } from '@nestjs/common';
import {
  CurrentSession,
  CurrentUserId,
  Public,
  RequestSession,
  type SessionModuleOptions,
} from 'nestjs-curfew';

import { curfewImports } from '../curfew/curfew-imports.js';

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

@Module({})
export class CurfewModule {
  static forRoot(databaseUrl: string, options: Partial<SessionModuleOptions> = {}): DynamicModule {
    return {
      module: CurfewModule,
      imports: curfewImports(databaseUrl, options),
      controllers: [CurfewController],
    };
  }
}
