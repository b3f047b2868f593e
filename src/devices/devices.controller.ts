import {
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  NotFoundException,
  Param,
  ParseUUIDPipe,
  Post,
  Query,
} from '@nestjs/common';
import { CurrentSession, CurrentUserId, RequestSession, SessionService } from 'nestjs-curfew';

import { type Device, describeDevice } from './device.js';

const sessionId = new ParseUUIDPipe({ errorHttpStatusCode: HttpStatus.NOT_FOUND });
const cursorId = new ParseUUIDPipe({ optional: true });

/** "Where you are signed in." Nobody sees or ends another user's session: theirs are 404, like ids that never were. */
@Controller('sessions')
export class DevicesController {
  constructor(private readonly sessions: SessionService) {}

  /** Oldest first, up to 50; `cursor` of one answer asks for the next. */
  @Get()
  async list(
    @CurrentUserId() userId: string,
    @CurrentSession() current: RequestSession,
    @Query('cursor', cursorId) after?: string,
  ): Promise<{ sessions: Device[]; cursor: string | null }> {
    const { sessions, cursor } = await this.sessions.list(userId, { cursor: after ?? null });
    return { sessions: sessions.map((session) => describeDevice(session, current.id)), cursor };
  }

  @Post('revoke-others')
  @HttpCode(HttpStatus.NO_CONTENT)
  async revokeOthers(@CurrentSession() current: RequestSession): Promise<void> {
    await current.revokeOthers();
  }

  @Delete(':id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(
    @CurrentUserId() userId: string,
    @CurrentSession() current: RequestSession,
    @Param('id', sessionId) id: string,
  ): Promise<void> {
    if (id === current.id) return current.signOut();
    const ended = await this.sessions.revoke(id, { userId, reason: 'signed-out' });
    if (!ended) throw new NotFoundException('You have no such session.');
  }
}
