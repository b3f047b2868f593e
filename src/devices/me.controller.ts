import { Controller, Get } from '@nestjs/common';
import { CurrentSession, CurrentUserId, NoTouch, RequestSession } from 'nestjs-curfew';

import { describeUser, type UserDescription } from '../users/user-description.js';
import { UsersService } from '../users/users.service.js';
import { describeSession, type SessionDescription } from './session-description.js';

@Controller('me')
export class MeController {
  constructor(private readonly users: UsersService) {}

  /** A page that is open may ask often: it counts as no activity. */
  @NoTouch()
  @Get()
  async read(
    @CurrentUserId() userId: string,
    @CurrentSession() session: RequestSession,
  ): Promise<{ user: UserDescription; session: SessionDescription }> {
    return {
      user: describeUser(await this.users.find(userId)),
      session: describeSession(session),
    };
  }
}
