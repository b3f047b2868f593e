import { beforeEach, describe, expect, it } from '@jest/globals';
import { TypeOrmModule } from '@nestjs/typeorm';
import { minutes } from 'nestjs-curfew';

import { Account } from '../support/account.entity.js';
import { answered, cookieOf, describeGateway, refused } from '../support/gateway-app.js';
import { COOKIE } from '../support/http-app.js';
import { Rendezvous } from '../support/rendezvous.js';
import type { MessageScript } from '../support/scripted-gateway.js';
import { failStore } from '../support/store-outage.js';

const CREATE_ACCOUNTS =
  'create table if not exists accounts (id varchar(64) primary key, password_hash varchar(255), is_disabled boolean)';

await describeGateway('a gateway', (bench) => {
  it('knows whose session the handshake came with', async () => {
    const socket = await bench.openAs(bench.ada);
    expect(await socket.ask('me')).toEqual(answered('ada'));
    expect(await socket.ask('me')).toEqual(answered('ada'));
  });

  it('refuses a client without a session, and says why', async () => {
    const socket = await bench.open();
    expect(await socket.ask('me')).toEqual(refused('SESSION_REQUIRED', { reason: 'absent' }));
    const forger = await bench.open({ headers: { cookie: `${COOKIE}=forged` } });
    expect(await forger.ask('me')).toEqual(refused('SESSION_REQUIRED', { reason: 'malformed' }));
  });

  it('lets everybody in where the handler says @Public() or @SkipSession()', async () => {
    const socket = await bench.open();
    expect(await socket.ask('who')).toEqual(answered(null));
    expect(await socket.ask('plain', 'text')).toEqual(answered('text'));
    const signedIn = await bench.openAs(bench.ada);
    expect(await signedIn.ask('who')).toEqual(answered('ada'));
    const statements = await bench.app.statements.during(async () => {
      expect(await signedIn.ask('skipped', 'text')).toEqual(answered('text'));
      expect(await signedIn.ask('plain', { deep: 1 })).toEqual(answered({ deep: 1 }));
    });
    expect(statements).toEqual([]);
  });

  it('demands a recent proof where the handler says @StepUp()', async () => {
    const socket = await bench.openAs(bench.ada);
    expect(await socket.ask('recent')).toEqual(answered('recent'));
    bench.app.clock.advance(minutes(2));
    expect(await socket.ask('recent')).toEqual(
      refused('SESSION_STEP_UP_REQUIRED', { reason: 'step_up_required', maxAgeMs: 60_000 }),
    );
  });

  it('refuses the next message of a session that was revoked', async () => {
    const socket = await bench.openAs(bench.ada);
    expect(await socket.ask('me')).toEqual(answered('ada'));
    // As another process does that this one does not hear.
    await bench.app.store.raiseEpoch('ada', 'password-changed');
    expect(await socket.ask('me')).toEqual(
      refused('SESSION_REQUIRED', { reason: 'revoked', revokeReason: 'password-changed' }),
    );
  });

  it('signs out, for the browser too', async () => {
    const socket = await bench.openAs(bench.ada);
    bench.say((session) => session.signOut());
    expect(await socket.ask('guarded')).toEqual(answered(null));
    expect(await socket.closed).toMatchObject({ reason: 'signed-out' });
    expect((await bench.ada.get('/me')).status).toBe(401);
  });

  it('ends sessions after a handler with @RevokeSessions()', async () => {
    const socket = await bench.openAs(bench.ada);
    expect(await socket.ask('leave')).toEqual(answered('left'));
    expect(await socket.closed).toMatchObject({ reason: 'left' });
  });

  describe('writes', () => {
    beforeEach(() => {
      bench.app.on('read', ({ session }) => session.data);
    });

    it('what a handler set, before it answers', async () => {
      const socket = await bench.openAs(bench.ada);
      bench.say((session, body) => session.set('note', body));
      expect(await socket.ask('guarded', 'text')).toEqual(answered(null));
      expect((await bench.ada.get('/guarded/read')).body).toEqual({ note: 'text' });
      bench.say((session) => session.get('note'));
      expect(await socket.ask('guarded')).toEqual(answered('text'));
    });

    it('before each of several answers', async () => {
      const socket = await bench.openAs(bench.ada);
      expect(await socket.ask('count', null, 3)).toEqual(answered(1, 2, 3));
      expect((await bench.ada.get('/guarded/read')).body).toEqual({ count: 3 });
    });

    it('nothing of a handler that throws', async () => {
      const socket = await bench.openAs(bench.ada);
      bench.say((session) => {
        session.set('note', 'text');
        throw new Error('no');
      });
      expect(await socket.ask('guarded')).toMatchObject([
        { event: 'exception', data: { message: 'Internal server error' } },
      ]);
      expect((await bench.ada.get('/guarded/read')).body).toEqual({});
    });

    it('nothing to a session that ended meanwhile, and says so', async () => {
      const socket = await bench.openAs(bench.ada);
      bench.say(async (session) => {
        session.set('note', 'text');
        await bench.app.store.raiseEpoch('ada', 'revoked');
      });
      expect(await socket.ask('guarded')).toEqual(refused('SESSION_ENDED', { reason: 'ended' }));
    });
  });

  describe('refuses what needs a new cookie, and writes nothing', () => {
    it.each<[string, MessageScript]>([
      ['a sign-in', (session) => session.signIn('eve')],
      ['a rotation', (session) => session.rotate()],
      ['a step-up', (session) => session.stepUp({ aal: 2 })],
    ])('%s', async (_, run) => {
      const socket = await bench.openAs(bench.ada);
      const rows = await bench.app.rowCount();
      bench.say(run);
      expect(await socket.ask('guarded')).toEqual(refused('SESSION_RESPONSE_SENT'));
      expect(await bench.app.rowCount()).toBe(rows);
      expect(await socket.ask('me')).toEqual(answered('ada'));
      expect((await bench.ada.get('/me')).body).toEqual({ userId: 'ada' });
    });

    it('the first data of an anonymous client', async () => {
      const rows = await bench.app.rowCount();
      const socket = await bench.open();
      bench.say((session) => session.set('cart', 1));
      expect(await socket.ask('open')).toEqual(refused('SESSION_RESPONSE_SENT'));
      expect(await bench.app.rowCount()).toBe(rows);
    });
  });

  it('refuses a change of the password, before it is made', async () => {
    const guarded = await bench.start({
      imports: [TypeOrmModule.forFeature([Account])],
      options: { principal: { entity: Account, credentials: ['passwordHash'] } },
    });
    try {
      await guarded.dataSource.query(CREATE_ACCOUNTS);
      const accounts = guarded.dataSource.getRepository(Account);
      const account = { id: bench.kind, passwordHash: 'old', isDisabled: false };
      await accounts.insert(account);
      const cookie = cookieOf(await guarded.signedIn(bench.kind));
      const socket = await bench.open({ headers: { cookie } }, guarded);
      bench.say(() => accounts.save({ ...account, passwordHash: 'new' }));
      expect(await socket.ask('guarded')).toEqual(refused('SESSION_RESPONSE_SENT'));
      expect(await accounts.findOneBy({ id: bench.kind })).toMatchObject({ passwordHash: 'old' });
      expect(await socket.ask('me')).toEqual(answered(bench.kind));
    } finally {
      await guarded.close();
    }
  });

  it('counts messages as activity, but for @NoTouch()', async () => {
    const socket = await bench.openAs(bench.ada);
    for (const _ of [1, 2, 3]) {
      bench.app.clock.advance(minutes(20));
      expect(await socket.ask('me')).toEqual(answered('ada'));
      await bench.app.sessions.flushTouches();
    }
    for (const _ of [1, 2]) {
      bench.app.clock.advance(minutes(14));
      expect(await socket.ask('poll')).toEqual(answered('polled'));
      await bench.app.sessions.flushTouches();
    }
    bench.app.clock.advance(minutes(14));
    expect(await socket.ask('poll')).toMatchObject([
      { event: 'exception', data: { code: 'SESSION_REQUIRED', expiry: 'idle' } },
    ]);
  });

  it('says that the store is down, and goes on when it is back', async () => {
    const socket = await bench.openAs(bench.ada);
    const restore = failStore(bench.app.store);
    expect(await socket.ask('me')).toEqual(
      refused('SESSION_STORE_UNAVAILABLE', { reason: 'store_unavailable' }),
    );
    restore();
    expect(await socket.ask('me')).toEqual(answered('ada'));
  });

  it('never shows a user the session of another, though all ask at once', async () => {
    const userIds = Array.from({ length: 24 }, (_, index) => `user-${index}`);
    const browsers = await Promise.all(userIds.map((userId) => bench.app.signedIn(userId)));
    const clients = await Promise.all(browsers.map((browser) => bench.openAs(browser)));
    bench.script.rendezvous = new Rendezvous(clients.length);
    const replies = await Promise.all(
      clients.map((client, index) => client.ask('gather', `note of ${index}`)),
    );
    bench.app.on('read', ({ session }) => [
      session.userId,
      session.userId,
      session.id,
      session.data,
    ]);
    for (const [index, [reply]] of replies.entries()) {
      const userId = userIds[index];
      expect(reply).toEqual({ event: 'answer', data: [userId, userId, expect.any(String)] });
      expect((await browsers[index]?.get('/guarded/read'))?.body).toEqual([
        ...(reply!.data as string[]),
        { seen: `note of ${index}` },
      ]);
    }
  });
});
