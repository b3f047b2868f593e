import { expect } from '@jest/globals';

import { Browser } from './browser.js';
import { ADA, type ReferenceApp } from './reference-app.js';

/** The store's deadline, and as long again for a busy machine. */
const SOON_MS = 4000;

/**
 * Fails unless every request that needs the database gets 503, with nothing of the database in it, within the deadline
 * where the session is all that is asked of it, while the pages that need none go on.
 */
export async function expectOutage({ origin }: ReferenceApp, signedIn: Browser): Promise<void> {
  const cookies = [...signedIn.cookies];
  const startedAt = performance.now();
  const guarded = Promise.all([
    signedIn.get('/me'),
    signedIn.get('/sessions'),
    signedIn.put('/cart/tea', { quantity: 1 }),
  ]);
  const others = Promise.all([
    new Browser(origin).post('/auth/login', ADA),
    new Browser(origin).post('/auth/register', { ...ADA, email: 'new@example.org' }),
    new Browser(origin).put('/cart/tea', { quantity: 1 }),
  ]);
  const answers = await guarded;
  expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  answers.push(...(await others));
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503, 503]);
  for (const { headers } of answers) {
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.has('set-cookie')).toBe(false);
  }
  expect(JSON.stringify(answers.map(({ body }) => body))).not.toMatch(/select|insert|127\.0/i);
  expect([...signedIn.cookies]).toEqual(cookies);
  expect((await signedIn.get('/health')).status).toBe(503);
  expect((await signedIn.get('/')).status).toBe(200);
}
