import { Controller, Get, Module, Param, Post } from '@nestjs/common';

/** What everybody is in the application without sessions: as long as the ids of the users of the others. */
export const NOBODY = 'user-00000';

@Controller()
class NoSessionsController {
  @Post('login/:userId')
  login(@Param('userId') userId: string) {
    return { userId };
  }

  @Get('me')
  me() {
    return { userId: NOBODY };
  }
}

@Module({ controllers: [NoSessionsController] })
export class NoSessionsModule {}
