import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { minutes } from 'nestjs-curfew';

import type { Browser } from '../support/browser.js';
import { describeEachDatabase } from '../support/databases.js';
import { COOKIE, startHttpApp, type AdapterName, type HttpApp } from '../support/http-app.js';
import { Rendezvous } from '../support/rendezvous.js';
import {
  ResolverScripts,
  ScriptedResolver,
  TYPE_DEFINITIONS,
} from '../support/scripted-resolver.js';
import { subscribe } from '../support/graphql-subscription.js';
import { failStore } from '../support/store-outage.js';

interface GraphqlBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path: readonly string[];
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
}

interface Driver {
  readonly adapter: AdapterName;
  readonly module: () => DynamicModule;
}

const apollo = (extra: Partial<ApolloDriverConfig> = {}): DynamicModule =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    typeDefs: TYPE_DEFINITIONS,
    includeStacktraceInErrorResponses: false,
    subscriptions: { 'graphql-ws': true },
    ...extra,
  });

const DRIVERS: Record<string, Driver> = {
  'Apollo on Express': { adapter: 'express', module: () => apollo() },
  'Apollo on Fastify': {
    adapter: 'fastify',
    module: () => apollo({ context: (req: unknown, reply: unknown) => ({ req, reply }) }),
  },
  'Mercurius on Fastify': {
    adapter: 'fastify',
    module: () =>
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        typeDefs: TYPE_DEFINITIONS,
        subscription: true,
      }),
  },
};

/** How a field that was refused is reported. */
const refusal = (path: string, code: string, original: object) => ({
  path: [path],
  extensions: { code, originalError: original },
});
const UNAUTHORIZED = { statusCode: 401, error: 'Unauthorized', code: 'SESSION_REQUIRED' };

await describeEachDatabase(
  'GraphQL',
  (database) => {
    describe.each(Object.entries(DRIVERS))('with %s', (_, { adapter, module }) => {
      const scripts = new ResolverScripts();
      let app: HttpApp;
      let ada: Browser;

      beforeAll(async () => {
        app = await startHttpApp(adapter, database, {
          imports: [module()],
          providers: [ScriptedResolver, { provide: ResolverScripts, useValue: scripts }],
        });
        app.on('read', ({ session }) => session.data);
      });

      afterAll(() => app?.close());

      beforeEach(async () => {
        ada = await app.signedIn('ada');
      });

      async function ask(
        browser: Browser,
        query: string,
        headers: Record<string, string> = {},
      ): Promise<GraphqlBody> {
        const answer = await browser.send('POST', '/graphql', JSON.stringify({ query }), {
          'content-type': 'application/json',
          ...headers,
        });
        return answer.body as GraphqlBody;
      }

      it('knows whose session the request came with', async () => {
        expect(await ask(ada, '{ me who }')).toEqual({ data: { me: 'ada', who: 'ada' } });
      });

      it('costs one look-up, however many fields ask', async () => {
        const statements = await app.statements.during(() =>
          ask(ada, '{ a: me b: me c: who viewer { userId sessionId } }'),
        );
        expect(statements).toHaveLength(1);
      });

      it('gives the fields of nested types the same session', async () => {
        const { data } = await ask(ada, '{ viewer { userId sessionId } }');
        app.on('id', ({ session }) => ({ sessionId: session.id }));
        const { body } = await ada.get('/guarded/id');
        expect(data).toEqual({ viewer: { userId: 'ada', ...(body as object) } });
      });

      it('refuses a field to a client without a session, says why, and keeps the others', async () => {
        const { data, errors } = await ask(app.browser(), '{ me who skipped }');
        expect(data).toEqual({ me: null, who: null, skipped: 'text' });
        expect(errors).toMatchObject([
          refusal('me', 'UNAUTHENTICATED', { ...UNAUTHORIZED, reason: 'absent' }),
        ]);
        expect(errors?.[0]?.message).toBe('Unauthorized');
        expect(Object.keys(errors?.[0]?.extensions ?? {}).toSorted()).toEqual([
          'code',
          'originalError',
        ]);
      });

      it('refuses a session that was revoked', async () => {
        await app.sessions.revokeAllForUser('ada', { reason: 'password-changed' });
        const { errors } = await ask(ada, '{ me }');
        expect(errors).toMatchObject([
          refusal('me', 'UNAUTHENTICATED', {
            ...UNAUTHORIZED,
            reason: 'revoked',
            revokeReason: 'password-changed',
          }),
        ]);
      });

      it('demands a recent proof where the field says @StepUp()', async () => {
        app.clock.advance(minutes(2));
        const { errors } = await ask(ada, '{ recent }');
        expect(errors).toMatchObject([
          refusal('recent', 'FORBIDDEN', { code: 'SESSION_STEP_UP_REQUIRED', maxAgeMs: 60_000 }),
        ]);
      });

      it('refuses operations of other origins', async () => {
        const headers = { origin: 'https://evil.example.org', 'sec-fetch-site': 'cross-site' };
        const { errors } = await ask(ada, 'mutation { login(userId: "eve") }', headers);
        expect(errors).toMatchObject([
          refusal('login', 'FORBIDDEN', { statusCode: 403, code: 'SESSION_CROSS_ORIGIN' }),
        ]);
      });

      it('signs in, with one cookie on the response', async () => {
        const browser = app.browser();
        const answer = await browser.post('/graphql', {
          query: 'mutation { login(userId: "bob") }',
        });
        expect(answer.headers.getSetCookie()).toHaveLength(1);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(browser.cookies.has(COOKIE)).toBe(true);
        expect(await ask(browser, '{ me }')).toEqual({ data: { me: 'bob' } });
      });

      it('signs out', async () => {
        scripts.byName.set('sign-out', (session) => session.signOut());
        await ask(ada, 'mutation { mutate(name: "sign-out") }');
        expect(ada.cookies.has(COOKIE)).toBe(false);
      });

      it('ends sessions after a field with @RevokeSessions()', async () => {
        expect(await ask(ada, 'mutation { leave }')).toEqual({ data: { leave: true } });
        expect((await app.sessions.list('ada')).sessions).toEqual([]);
      });

      describe('writes', () => {
        beforeEach(() => {
          scripts.byName.set('set', (session, text) => session.set('note', text));
          scripts.byName.set('set-and-fail', (session, text) => {
            session.set('note', text);
            throw new Error('no');
          });
          scripts.byName.set('end', async (session) => {
            session.set('note', 'text');
            await app.sessions.revokeAllForUser('ada');
          });
        });

        it('the fields of a mutation one by one, and nothing of one that throws', async () => {
          const { errors } = await ask(
            ada,
            'mutation { a: mutate(name: "set", text: "one") b: mutate(name: "set-and-fail", text: "two") }',
          );
          expect(errors).toHaveLength(1);
          expect((await ada.get('/guarded/read')).body).toEqual({ note: 'one' });
        });

        it('the fields of a query together, whichever of them fails', async () => {
          const failed = new Rendezvous(2);
          scripts.byName.set('set-late', async (session) => {
            session.set('late', true);
            await failed.arrive();
          });
          scripts.byName.set('fail', () => {
            void failed.arrive();
            throw new Error('no');
          });
          const { errors } = await ask(
            ada,
            '{ a: query(name: "set-late") b: query(name: "fail") }',
          );
          expect(errors).toHaveLength(1);
          expect((await ada.get('/guarded/read')).body).toEqual({ late: true });
        });

        it('nothing to a session that ended meanwhile, and says so', async () => {
          const { errors } = await ask(ada, 'mutation { mutate(name: "end") }');
          expect(errors).toMatchObject([
            refusal('mutate', 'UNAUTHENTICATED', { statusCode: 401, code: 'SESSION_ENDED' }),
          ]);
        });
      });

      it('says that the store is down, and when to come back', async () => {
        const restore = failStore(app.store);
        try {
          const answer = await ada.post('/graphql', { query: '{ me }' });
          expect((answer.body as GraphqlBody).errors).toMatchObject([
            refusal('me', 'INTERNAL_SERVER_ERROR', {
              statusCode: 503,
              code: 'SESSION_STORE_UNAVAILABLE',
            }),
          ]);
          expect(JSON.stringify(answer.body)).not.toContain('secret_column');
          expect(answer.headers.get('retry-after')).toBe('1');
        } finally {
          restore();
        }
      });

      describe('over a socket', () => {
        const cookieOf = (browser: Browser) => `${COOKIE}=${browser.cookies.get(COOKIE) ?? ''}`;

        it('knows whose session the handshake came with', async () => {
          scripts.rendezvous = new Rendezvous(1);
          const values = await subscribe(app.origin, { cookie: cookieOf(ada) }, '{ mine }');
          expect(values).toEqual([{ data: { mine: 'ada' } }, { data: { mine: 'ada' } }]);
        });

        it('refuses a client without a session, and says why', async () => {
          expect(await subscribe(app.origin, {}, '{ mine }')).toMatchObject([
            {
              errors: [refusal('mine', 'UNAUTHENTICATED', { ...UNAUTHORIZED, reason: 'absent' })],
            },
          ]);
        });

        it('refuses pages of other origins, whatever they claim afterwards', async () => {
          const headers = { cookie: cookieOf(ada), origin: 'https://evil.example.org' };
          const claims = { headers: { 'sec-fetch-site': 'same-origin' } };
          expect(await subscribe(app.origin, headers, '{ mine }', claims)).toMatchObject([
            { errors: [{ extensions: { originalError: { code: 'SESSION_CROSS_ORIGIN' } } }] },
          ]);
        });

        it('refuses what needs a new cookie', async () => {
          const rows = await app.rowCount();
          const results = await subscribe(app.origin, {}, '{ anyones }');
          expect(JSON.stringify(results)).toContain('SESSION_RESPONSE_SENT');
          expect(await app.rowCount()).toBe(rows);
        });

        it('never shows a user the session of another, though all ask at once', async () => {
          const userIds = Array.from({ length: 24 }, (_unused, index) => `user-${index}`);
          const browsers = await Promise.all(userIds.map((userId) => app.signedIn(userId)));
          scripts.rendezvous = new Rendezvous(browsers.length);
          const results = await Promise.all(
            browsers.map((browser) =>
              subscribe(app.origin, { cookie: cookieOf(browser) }, '{ mine }'),
            ),
          );
          expect(results).toEqual(userIds.map((mine) => [{ data: { mine } }, { data: { mine } }]));
        });
      });

      it('never shows a user the session of another, though all ask at once', async () => {
        const userIds = Array.from({ length: 24 }, (_unused, index) => `user-${index}`);
        const browsers = await Promise.all(userIds.map((userId) => app.signedIn(userId)));
        scripts.rendezvous = new Rendezvous(browsers.length * 2);
        const bodies = await Promise.all(
          browsers.map((browser) => ask(browser, '{ a: gather b: gather viewer { userId } }')),
        );
        for (const [index, { data }] of bodies.entries()) {
          const userId = userIds[index];
          const seen = [userId, userId, expect.any(String)];
          expect(data).toEqual({ a: seen, b: seen, viewer: { userId } });
          expect(data?.['a']).toEqual(data?.['b']);
          expect((await browsers[index]?.get('/guarded/read'))?.body).toEqual({ seen: userId });
        }
      });
    });

    it('refuses everything where the context of the operation knows no response', async () => {
      const app = await startHttpApp('fastify', database, {
        imports: [apollo()],
        providers: [ScriptedResolver, ResolverScripts],
      });
      try {
        const ada = await app.signedIn('ada');
        const { body } = await ada.post('/graphql', { query: '{ me skipped }' });
        const { data, errors } = body as GraphqlBody;
        expect(data).toEqual({ me: null, skipped: 'text' });
        expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
        expect(JSON.stringify(errors)).not.toContain('Expected');
      } finally {
        await app.close();
      }
    });
  },
  ['sqlite'],
);
