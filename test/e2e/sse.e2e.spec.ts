import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Controller, Module, Sse, type MessageEvent } from '@nestjs/common';
import { CurrentSession, CurrentUserId, RequestSession } from 'nestjs-curfew';
import { map, Subject, type Observable } from 'rxjs';

import type { Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { EventStream } from '../support/event-stream.js';
import { COOKIE } from '../support/http-app.js';

let ticks: Subject<number>;

@Controller()
class Streams {
  @Sse('stream/read')
  read(@CurrentUserId() userId: string): Observable<MessageEvent> {
    return ticks.pipe(map((tick) => ({ data: `${userId} ${tick}` })));
  }

  @Sse('stream/write')
  write(@CurrentSession() session: RequestSession): Observable<MessageEvent> {
    return ticks.pipe(
      map((tick) => {
        session.set('tick', `${session.userId} ${tick}`);
        return { data: `${session.userId} ${tick}` };
      }),
    );
  }

  @Sse('stream/sign-in')
  signIn(@CurrentSession() session: RequestSession): Observable<MessageEvent> {
    return ticks.pipe(
      map((tick) => {
        if (tick > 1) session.signIn('eve');
        return { data: `${tick}` };
      }),
    );
  }
}

@Module({ controllers: [Streams] })
class StreamsModule {}

await describeHttp(
  'a stream of server-sent events',
  (bench) => {
    const streams: EventStream[] = [];

    beforeEach(() => {
      ticks = new Subject();
      bench.app.on('read', ({ session }) => session.data);
    });

    afterEach(() => {
      for (const stream of streams.splice(0)) stream.close();
      ticks.complete();
    });

    async function open(browser: Browser, name: string): Promise<EventStream> {
      const cookie = `${COOKIE}=${browser.cookies.get(COOKIE) ?? ''}`;
      const stream = await EventStream.open(`${bench.app.origin}/stream/${name}`, { cookie });
      streams.push(stream);
      return stream;
    }

    it('belongs to the session that it was opened with, and to no cache', async () => {
      const stream = await open(await bench.app.signedIn('ada'), 'read');
      expect(stream.response.status).toBe(200);
      expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
      expect(stream.response.headers.get('cache-control')).toContain('no-store');
      expect(stream.response.headers.get('vary')).toBe('Cookie');
      ticks.next(1);
      expect(await stream.next()).toMatchObject({ data: 'ada 1' });
      ticks.next(2);
      expect(await stream.next()).toMatchObject({ data: 'ada 2' });
    });

    it('is refused to a client without a session, and to one whose session ended', async () => {
      const ada = await bench.app.signedIn('ada');
      const anonymous = await bench.app.browser().get('/stream/read');
      expect(anonymous.status).toBe(401);
      expect(anonymous.body).toMatchObject({ code: 'SESSION_REQUIRED', reason: 'absent' });
      await bench.app.sessions.revokeAllForUser('ada', { reason: 'password-changed' });
      const ended = await ada.get('/stream/read');
      expect(ended.status).toBe(401);
      expect(ended.body).toMatchObject({ reason: 'revoked', revokeReason: 'password-changed' });
    });

    it('has written what an event set before the client has the event', async () => {
      const ada = await bench.app.signedIn('ada');
      const stream = await open(ada, 'write');
      for (const tick of [1, 2]) {
        ticks.next(tick);
        expect(await stream.next()).toMatchObject({ data: `ada ${tick}` });
        expect((await ada.get('/guarded/read')).body).toEqual({ tick: `ada ${tick}` });
      }
    });

    it('ends with the first write after its session was revoked', async () => {
      const ada = await bench.app.signedIn('ada');
      const stream = await open(ada, 'write');
      ticks.next(1);
      expect(await stream.next()).toMatchObject({ data: 'ada 1' });
      // As another process does that this one does not hear.
      await bench.app.store.raiseEpoch('ada', 'revoked');
      ticks.next(2);
      expect(await stream.next()).toMatchObject({ event: 'error', data: 'Unauthorized' });
      expect(await stream.next()).toBeUndefined();
    });

    it('ends where it would need a new cookie, and writes nothing', async () => {
      const ada = await bench.app.signedIn('ada');
      const stream = await open(ada, 'sign-in');
      ticks.next(1);
      await stream.next();
      const rows = await bench.app.rowCount();
      ticks.next(2);
      expect(await stream.next()).toMatchObject({ event: 'error' });
      expect(await bench.app.rowCount()).toBe(rows);
      expect((await ada.get('/me')).body).toEqual({ userId: 'ada' });
    });

    it('never carries the events of another user, though all are open at once', async () => {
      const userIds = Array.from({ length: 24 }, (_, index) => `user-${index}`);
      const browsers = await Promise.all(userIds.map((userId) => bench.app.signedIn(userId)));
      const opened = await Promise.all(browsers.map((browser) => open(browser, 'write')));
      for (const tick of [1, 2, 3]) {
        ticks.next(tick);
        const events = await Promise.all(opened.map((stream) => stream.next()));
        expect(events.map((event) => event?.['data'])).toEqual(
          userIds.map((userId) => `${userId} ${tick}`),
        );
      }
      for (const [index, browser] of browsers.entries()) {
        const { body } = await browser.get('/guarded/read');
        expect(body).toEqual({ tick: `${userIds[index]} 3` });
      }
    });
  },
  { imports: [StreamsModule] },
  ['sqlite'],
);
