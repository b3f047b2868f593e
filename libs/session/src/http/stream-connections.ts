import { Inject, Injectable } from '@nestjs/common';
import { finalize, Observable, Subject, takeUntil } from 'rxjs';

import { Stopwatch } from '../core/clock.js';
import { SessionService } from '../core/session.service.js';
import { SESSION_OPTIONS } from '../session.constants.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { OpenConnections } from './open-connections.js';
import { SocketToken } from './presented-token.js';
import { requestUnitOf, type RequestSession } from './request-session.js';

/** Completes streams of server-sent events when their session is over. A stream that has none goes on. */
@Injectable()
export class StreamConnections {
  constructor(
    private readonly connections: OpenConnections,
    private readonly sessions: SessionService,
    @Inject(SESSION_OPTIONS) private readonly options: ResolvedSessionOptions,
  ) {}

  /** The values of a stream until the session is over that it was opened with, or that it began. */
  whileLive<Value>(session: RequestSession, values: Observable<Value>): Observable<Value> {
    return new Observable((subscriber) => {
      const ended = new Subject<void>();
      let forget = (): void => {};
      let isOver = false;
      // On a public route somebody may ask for the session later, or nobody.
      requestUnitOf(session).whenLoaded(() => {
        if (!isOver) forget = this.#watch(session, ended);
      });
      const isDone = (): void => {
        isOver = true;
        forget();
      };
      return values.pipe(takeUntil(ended), finalize(isDone)).subscribe(subscriber);
    });
  }

  #watch(session: RequestSession, ended: Subject<void>): () => void {
    const unit = requestUnitOf(session);
    if (unit.record === null) return () => {};
    const clock = this.options.clock ?? new Stopwatch();
    let given = unit.token;
    let token = new SocketToken(given ?? undefined, clock.now(), clock);
    return this.connections.open(
      {
        resolve: () => {
          // The request may have been given another token before the head was sent.
          if (unit.token !== given) {
            given = unit.token;
            token = new SocketToken(given ?? undefined, clock.now(), clock);
          }
          return token.resolve(this.sessions);
        },
        close: () => ended.next(),
      },
      unit.record.session,
    );
  }
}
