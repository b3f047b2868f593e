import { afterEach, expect, it, jest } from '@jest/globals';
import { BadRequestException, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { SessionInterceptor } from 'nestjs-curfew';
import { from, of, throwError } from 'rxjs';

import { describeHttp } from '../support/describe-http.js';

const passing: NestInterceptor = { intercept: (_, next) => next.handle() };

const setups = [
  { name: 'the only interceptor of its routes', providers: [], isDirect: true },
  {
    name: 'one interceptor among others',
    providers: [{ provide: APP_INTERCEPTOR, useValue: passing }],
    isDirect: false,
  },
];

afterEach(() => void jest.restoreAllMocks());

for (const { name, providers, isDirect } of setups) {
  await describeHttp(
    name,
    (bench) => {
      it('takes the way around a handler that such routes have', async () => {
        const { app } = bench;
        const browser = await app.signedIn('ada');
        const intercept = jest.spyOn(SessionInterceptor.prototype, 'intercept');
        await browser.get('/me');
        expect(intercept).toHaveBeenCalledTimes(isDirect ? 0 : 1);
      });

      it('commits what a handler wanted that returns, promises or streams a value', async () => {
        const { app } = bench;
        const browser = await app.signedIn('ada');
        app.on('return', ({ session }) => (session.set('a', 1), 'done'));
        app.on('promise', async ({ session }) => (session.set('b', 2), 'done'));
        app.on('stream', ({ session }) => (session.set('c', 3), from(['begun', 'done'])));
        for (const way of ['return', 'promise', 'stream']) {
          expect((await browser.get(`/guarded/${way}`)).body).toBe('done');
        }
        app.on('read', ({ session }) => session.data);
        expect((await browser.get('/guarded/read')).body).toEqual({ a: 1, b: 2, c: 3 });
      });

      it('commits nothing of a handler that throws, rejects or streams an error', async () => {
        const { app } = bench;
        const browser = await app.signedIn('ada');
        const refusal = new BadRequestException();
        app.on('throw', ({ session }) => {
          session.set('a', 1);
          throw refusal;
        });
        app.on('reject', async ({ session }) => {
          session.set('b', 2);
          throw refusal;
        });
        app.on('stream', ({ session }) => (session.set('c', 3), throwError(() => refusal)));
        for (const way of ['throw', 'reject', 'stream']) {
          expect((await browser.get(`/guarded/${way}`)).status).toBe(400);
        }
        app.on('read', ({ session }) => session.data);
        expect((await browser.get('/guarded/read')).body).toEqual({});
      });

      it('ends sessions after a handler that succeeds, and after no other', async () => {
        const { app } = bench;
        const browser = await app.signedIn('eve');
        app.on('fail', () => throwError(() => new BadRequestException()));
        await browser.post('/revoke/all/fail');
        expect((await browser.get('/me')).status).toBe(200);
        app.on('succeed', () => of('done'));
        await browser.post('/revoke/all/succeed');
        expect((await browser.get('/me')).status).toBe(401);
      });
    },
    { providers },
    ['sqlite'],
  );
}
