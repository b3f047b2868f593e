import {
  Controller,
  Get,
  Module,
  Param,
  Post,
  Req,
  Session,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

interface SessionData {
  userId?: string;
}

interface RequestWithSession {
  readonly session: SessionData;
}

/** What every application beside these libraries has to write itself. */
class SignedInGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { session } = context.switchToHttp().getRequest<RequestWithSession>();
    if (session.userId === undefined) throw new UnauthorizedException();
    return true;
  }
}

@Controller()
class PeerController {
  @Post('login/:userId')
  login(@Param('userId') userId: string, @Req() { session }: RequestWithSession) {
    session.userId = userId;
    return { userId };
  }

  @UseGuards(SignedInGuard)
  @Get('me')
  me(@Session() { userId }: SessionData) {
    return { userId };
  }
}

@Module({ controllers: [PeerController] })
export class PeerModule {}
