import { createHmac, timingSafeEqual } from 'node:crypto';

import {
  Controller,
  Get,
  Module,
  Param,
  Post,
  Res,
  Session,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

const KEY = 's'.repeat(32);
const NAME = 'session=';

interface SessionData {
  readonly userId: string;
}

interface HttpRequest {
  readonly headers: { readonly cookie?: string };
  session?: SessionData;
}

interface HttpResponse {
  header(name: string, value: string): unknown;
}

/** The least that a guard can do for a session: a seal is checked, and caches are told. Nothing is stored, nothing ends. */
class SealGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const [userId = '', seal = ''] = request.headers.cookie?.slice(NAME.length).split('.') ?? [];
    const presented = Buffer.from(seal, 'base64url');
    const expected = sealOf(userId);
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) {
      throw new UnauthorizedException();
    }
    request.session = { userId };
    const response = http.getResponse<HttpResponse>();
    response.header('Vary', 'Cookie');
    response.header('Cache-Control', 'no-store');
    return true;
  }
}

@Controller()
class SignedCookieController {
  @Post('login/:userId')
  login(@Param('userId') userId: string, @Res({ passthrough: true }) response: HttpResponse) {
    response.header('Set-Cookie', `${NAME}${userId}.${sealOf(userId).toString('base64url')}`);
    return { userId };
  }

  @UseGuards(SealGuard)
  @Get('me')
  me(@Session() { userId }: SessionData) {
    return { userId };
  }
}

function sealOf(userId: string): Buffer {
  return createHmac('sha256', KEY).update(userId).digest();
}

@Module({ controllers: [SignedCookieController] })
export class SignedCookieModule {}
