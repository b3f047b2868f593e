import {
  All,
  Body,
  Controller,
  Get,
  Header,
  Injectable,
  Param,
  Post,
  Redirect,
  Req,
  Res,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import {
  CurrentSession,
  CurrentUserId,
  NoTouch,
  OnSessionEvent,
  Public,
  RequestSession,
  RevokeSessions,
  SkipSession,
  StepUp,
  type SessionEventMap,
} from 'nestjs-curfew';
import { from, type Observable } from 'rxjs';

import type { HttpRequest } from '../../libs/session/src/http/http-request.js';

/** What a script works with. */
export interface Call {
  readonly session: RequestSession;
  readonly request: HttpRequest;
  /** Express's response or Fastify's reply. */
  readonly response: ScriptedResponse;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The part of a response that both adapters have. */
export interface ScriptedResponse {
  status(code: number): this;
  header(name: string, value: string): this;
  send(body?: unknown): unknown;
  redirect(url: string): unknown;
  hijack?(): void;
  readonly raw?: unknown;
}

export type Script = (call: Call) => unknown;

/** What the routes do, by name: a test says it where it needs it. */
@Injectable()
export class Scripts {
  readonly #scripts = new Map<string, Script>();
  readonly revoked: SessionEventMap['session:revoked'][] = [];

  set(name: string, script: Script): void {
    this.#scripts.set(name, script);
  }

  run(name: string, call: Call): unknown {
    const script = this.#scripts.get(name);
    if (script === undefined) throw new Error(`Expected a script named ${name}`);
    return script(call);
  }

  @OnSessionEvent('session:revoked')
  onRevoked(event: SessionEventMap['session:revoked']): void {
    this.revoked.push(event);
  }
}

type Body_ = Readonly<Record<string, unknown>>;

@Controller()
export class ScriptedRoutes {
  constructor(private readonly scripts: Scripts) {}

  @Public()
  @Get('untouched')
  untouched(): { ok: true } {
    return { ok: true };
  }

  @SkipSession()
  @All('skipped')
  skipped(): { ok: true } {
    return { ok: true };
  }

  /** Nobody asks for the session but, perhaps, the script. */
  @Public()
  @All('lazy/:name')
  lazy(
    @Param('name') name: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: ScriptedResponse,
    @Body() body: Body_,
  ): unknown {
    const session = request.session as RequestSession;
    return this.scripts.run(name, { session, request, response, body });
  }

  @Public()
  @All('public/:name')
  public(
    @CurrentSession() session: RequestSession,
    @Param('name') name: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: ScriptedResponse,
    @Body() body: Body_,
  ): unknown {
    return this.scripts.run(name, { session, request, response, body });
  }

  @All('guarded/:name')
  guarded(
    @CurrentSession() session: RequestSession,
    @Param('name') name: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: ScriptedResponse,
    @Body() body: Body_,
  ): unknown {
    return this.scripts.run(name, { session, request, response, body });
  }

  /** The script sends the answer itself. */
  @Public()
  @All('own/:name')
  async own(
    @CurrentSession() session: RequestSession,
    @Param('name') name: string,
    @Req() request: HttpRequest,
    @Res() response: ScriptedResponse,
    @Body() body: Body_,
  ): Promise<void> {
    await this.scripts.run(name, { session, request, response, body });
  }

  /** The same, where nobody but the script asks for the session. */
  @Public()
  @All('own-lazy/:name')
  async ownLazy(
    @Param('name') name: string,
    @Req() request: HttpRequest,
    @Res() response: ScriptedResponse,
    @Body() body: Body_,
  ): Promise<void> {
    await this.scripts.run(name, {
      session: request.session as RequestSession,
      request,
      response,
      body,
    });
  }

  @Public()
  @Post('login')
  login(@CurrentSession() session: RequestSession, @Body() body: { userId: string }): void {
    session.signIn(body.userId);
  }

  @Post('logout')
  logout(@CurrentSession() session: RequestSession): Promise<void> {
    return session.signOut();
  }

  @Get('me')
  me(@CurrentUserId() userId: string): { userId: string } {
    return { userId };
  }

  @Public()
  @Get('who')
  who(@CurrentUserId() userId: string | null): { userId: string | null } {
    return { userId };
  }

  @Public()
  @Header('Cache-Control', 'public, max-age=60')
  @Header('Vary', 'Accept-Language')
  @Get('cached')
  cached(@CurrentUserId() userId: string | null): { userId: string | null } {
    return { userId };
  }

  @NoTouch()
  @Get('poll')
  poll(): { ok: true } {
    return { ok: true };
  }

  @StepUp({ maxAgeMs: 60_000 })
  @Get('recent')
  recent(): { ok: true } {
    return { ok: true };
  }

  @StepUp({ aal: 2 })
  @Get('strong')
  strong(): { ok: true } {
    return { ok: true };
  }

  @RevokeSessions({ scope: 'all', reason: 'left' })
  @All('revoke/all/:name')
  revokeAll(@CurrentSession() session: RequestSession, @Param('name') name: string): unknown {
    return this.scripts.run(name, { session } as Call);
  }

  @RevokeSessions({ scope: 'others' })
  @All('revoke/others/:name')
  revokeOthers(@CurrentSession() session: RequestSession, @Param('name') name: string): unknown {
    return this.scripts.run(name, { session } as Call);
  }

  @Public()
  @RevokeSessions({ scope: 'current' })
  @All('revoke/current/:name')
  revokeCurrent(@CurrentSession() session: RequestSession, @Param('name') name: string): unknown {
    return this.scripts.run(name, { session } as Call);
  }

  @Public()
  @Redirect('/elsewhere', 302)
  @Get('redirect')
  redirect(@CurrentSession() session: RequestSession): void {
    session.set('redirected', true);
  }

  @Public()
  @Sse('events')
  events(@CurrentSession() session: RequestSession): Observable<MessageEvent> {
    session.set('streamed', true);
    return from([{ data: 'one' }, { data: 'two' }]);
  }
}
