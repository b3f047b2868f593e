import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { SessionPrincipalEntity } from '../../libs/session/src/store/session-principal.entity.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { describeEachDatabase } from '../support/databases.js';
import { sidOf, startExpressApp, type ExpressApp } from '../support/express-app.js';
import { createTestSessions } from '../support/session-service.js';

await describeEachDatabase('express-session without its database', (database) => {
  let dataSource: DataSource;
  let app: ExpressApp;

  beforeEach(async () => {
    dataSource = await database.connect({
      entities: [SessionEntity, SessionPrincipalEntity],
      synchronize: true,
    });
    const store = new TypeOrmSessionStore(dataSource, {
      storeTimeoutMs: 1000,
      retentionMs: 0,
      purgeBucketMs: 1000,
      clock: null,
      principal: null,
    });
    const { sessions } = createTestSessions({ store });
    app = await startExpressApp(sessions, (express) => {
      express.get('/', (request, response) => {
        response.json({ visited: Object.hasOwn(request.session, 'visited') });
      });
      express.post('/', (request, response, next) => {
        Object.assign(request.session, { visited: true });
        request.session.save((error) => (error ? next(error) : response.json({ ok: true })));
      });
    });
  });

  afterEach(() => app.close());

  it('answers 503, neither anonymous nor with another cookie', async () => {
    const browser = app.browser();
    await browser.post('/');
    const sid = sidOf(browser);
    await dataSource.destroy();

    const { status, headers } = await browser.get('/');

    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.getSetCookie()).toEqual([]);
    expect(sidOf(browser)).toBe(sid);
    expect(await app.firstError).toMatchObject({ code: 'SESSION_STORE_UNAVAILABLE' });
  });

  it('answers 503 to a save that the application waits for', async () => {
    await dataSource.destroy();

    const { status, headers } = await app.browser().post('/');

    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
  });
});
