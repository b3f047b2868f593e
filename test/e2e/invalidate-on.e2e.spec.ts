import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { expect, it } from '@jest/globals';
import { SessionService } from 'nestjs-curfew';
import { runSessionMigrations } from 'nestjs-curfew/migrations';
import { SessionWorkerModule } from 'nestjs-curfew/worker';
import { DataSource } from 'typeorm';

import { describeEachDatabase } from '../support/databases.js';
import { describeHttp } from '../support/describe-http.js';

/** The emitter of the application that was started last. */
let emitter: EventEmitter2;

const setup = {
  imports: [EventEmitterModule.forRoot()],
  providers: [
    {
      provide: 'emitter of the test',
      inject: [EventEmitter2],
      useFactory: (given: EventEmitter2) => {
        emitter = given;
      },
    },
  ],
  options: {
    invalidateOn: [
      'user.password-changed',
      {
        event: 'account.closed',
        userId: ({ account }: { readonly account: { readonly id: number } }) => account.id,
        reason: 'account-closed',
      },
    ],
  },
};

await describeHttp(
  'events of the application that end sessions',
  (bench) => {
    it('sign the user out of every browser, and nobody else', async () => {
      const { app } = bench;
      const browsers = [await app.signedIn('ada'), await app.signedIn('ada')];
      const other = await app.signedIn('bob');
      await emitter.emitAsync('user.password-changed', { userId: 'ada' });
      for (const browser of browsers) {
        const { status, body } = await browser.get('/me');
        expect({ status, body }).toMatchObject({ status: 401, body: { revokeReason: 'revoked' } });
      }
      expect((await other.get('/me')).status).toBe(200);
    });

    it('find the user and say the reason as the options tell', async () => {
      const { app } = bench;
      const browser = await app.signedIn('7');
      await emitter.emitAsync('account.closed', { account: { id: 7 } });
      expect((await browser.get('/me')).body).toMatchObject({ revokeReason: 'account-closed' });
    });

    it('let the handler go on that emits one', async () => {
      const { app } = bench;
      const browser = await app.signedIn('cyd');
      app.on('close', async () => {
        await emitter.emitAsync('account.closed', {});
        await emitter.emitAsync('account.closed', { account: { id: '' } });
        return { closed: true };
      });
      expect((await browser.post('/guarded/close')).body).toEqual({ closed: true });
      expect((await browser.get('/me')).status).toBe(200);
    });
  },
  setup,
);

await describeEachDatabase(
  'events of a worker process that end sessions',
  (database) => {
    it('sign the user out as those of a web process do', async () => {
      const worker = await Test.createTestingModule({
        imports: [
          TypeOrmModule.forRoot({ ...database.options(), autoLoadEntities: true }),
          EventEmitterModule.forRoot(),
          SessionWorkerModule.forRoot({
            secret: 'a secret of at least thirty-two bytes',
            jobs: { driver: 'in-process' },
            invalidateOn: ['user.left'],
          }),
        ],
      }).compile();
      await runSessionMigrations(worker.get(DataSource));
      await worker.init();
      const sessions = worker.get(SessionService);
      const { session } = await sessions.issue({ userId: 'ada' });
      await worker.get(EventEmitter2).emitAsync('user.left', { userId: 'ada' });
      expect(await sessions.find(session.id)).toBeUndefined();
      await worker.close();
    });
  },
  ['sqlite'],
);
