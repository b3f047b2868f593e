import { Injectable } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  CurrentSession,
  CurrentUserId,
  NoTouch,
  Public,
  RequestSession,
  RevokeSessions,
  SkipSession,
  StepUp,
} from 'nestjs-curfew';
import { from, map, type Observable } from 'rxjs';

import { Rendezvous } from './rendezvous.js';
import type { Reply } from './test-sockets.js';

/** What a message does with its session: a test says it where it needs it. */
export type MessageScript = (session: RequestSession, body: unknown) => unknown;

/** The script that runs next, and where messages wait for each other. */
@Injectable()
export class GatewayScript {
  run: MessageScript = () => null;
  rendezvous = new Rendezvous(1);
}

const answer = (data: unknown): Reply => ({ event: 'answer', data });

@WebSocketGateway()
export class ScriptedGateway {
  constructor(private readonly script: GatewayScript) {}

  @SubscribeMessage('me')
  me(@CurrentUserId() userId: string): Reply {
    return answer(userId);
  }

  @Public()
  @SubscribeMessage('who')
  who(@CurrentUserId() userId: string | null): Reply {
    return answer(userId);
  }

  @SkipSession()
  @SubscribeMessage('skipped')
  skipped(@MessageBody() body: unknown): Reply {
    return answer(body);
  }

  @NoTouch()
  @SubscribeMessage('poll')
  poll(): Reply {
    return answer('polled');
  }

  @StepUp({ maxAgeMs: 60_000 })
  @SubscribeMessage('recent')
  recent(): Reply {
    return answer('recent');
  }

  @SubscribeMessage('guarded')
  async guarded(@CurrentSession() session: RequestSession, @MessageBody() body: unknown) {
    return answer((await this.script.run(session, body)) ?? null);
  }

  @Public()
  @SubscribeMessage('open')
  async open(@CurrentSession() session: RequestSession, @MessageBody() body: unknown) {
    return answer((await this.script.run(session, body)) ?? null);
  }

  /** Answers three times, and writes before each. */
  @SubscribeMessage('count')
  count(@CurrentSession() session: RequestSession): Observable<Reply> {
    return from([1, 2, 3]).pipe(
      map((value) => {
        session.set('count', value);
        return answer(value);
      }),
    );
  }

  @RevokeSessions({ scope: 'all', reason: 'left' })
  @SubscribeMessage('leave')
  leave(): Reply {
    return answer('left');
  }

  /** Who asked, once everybody else has asked. */
  @SubscribeMessage('gather')
  async gather(@CurrentSession() session: RequestSession, @MessageBody() body: unknown) {
    const before = session.userId;
    await this.script.rendezvous.arrive();
    session.set('seen', body);
    return answer([before, session.userId, session.id]);
  }

  /** Takes what Nest gives to a handler without decorators. */
  @Public()
  @SubscribeMessage('plain')
  plain(_client: unknown, body: unknown): Reply {
    return answer(body);
  }
}
