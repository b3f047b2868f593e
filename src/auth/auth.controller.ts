import {
  Body,
  Controller,
  HttpCode,
  HttpStatus,
  Post,
  UnauthorizedException,
} from '@nestjs/common';
import { CurrentSession, CurrentUserId, Public, RequestSession } from 'nestjs-curfew';

import { describeSession, type SessionDescription } from '../devices/session-description.js';
import { describeUser, type UserDescription } from '../users/user-description.js';
import { UsersService } from '../users/users.service.js';
import {
  type LoginBody,
  loginBody,
  type PasswordBody,
  passwordBody,
  type RegisterBody,
  registerBody,
} from './auth.schemas.js';

@Controller('auth')
export class AuthController {
  constructor(private readonly users: UsersService) {}

  @Public()
  @Post('register')
  async register(
    @Body({ schema: registerBody }) body: RegisterBody,
  ): Promise<{ user: UserDescription }> {
    return { user: describeUser(await this.users.register(body.email, body.password)) };
  }

  /** What is in the cart stays there: signing in carries an anonymous session's data over. */
  @Public()
  @Post('login')
  @HttpCode(HttpStatus.OK)
  async login(
    @Body({ schema: loginBody }) body: LoginBody,
    @CurrentSession() session: RequestSession,
  ): Promise<{ user: UserDescription; session: SessionDescription }> {
    const user = await this.users.verify(body.email, body.password);
    if (user === undefined)
      throw new UnauthorizedException('The address or the password is wrong.');
    session.signIn(user.id, {
      credential: user.passwordHash,
      policy: body.remember === true ? 'remembered' : 'default',
      amr: ['pwd'],
    });
    await session.save();
    return { user: describeUser(user), session: describeSession(session) };
  }

  @Post('logout')
  @HttpCode(HttpStatus.NO_CONTENT)
  async logout(@CurrentSession() session: RequestSession): Promise<void> {
    await session.signOut();
  }

  /** Every other session of the user is over when this commits; this one goes on under a new token. */
  @Post('password')
  @HttpCode(HttpStatus.NO_CONTENT)
  async changePassword(
    @CurrentUserId() userId: string,
    @Body({ schema: passwordBody }) body: PasswordBody,
  ): Promise<void> {
    await this.users.changePassword(userId, body.current, body.next);
  }
}
