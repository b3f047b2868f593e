import { expect, it, describe } from '@jest/globals';
import { minutes, seconds } from 'nestjs-curfew';
import type { Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import { Turnstile } from '../support/turnstile.js';
import { rawRequest } from '../support/raw-request.js';

const tokenOf = (browser: Browser): string => browser.cookies.get(COOKIE) ?? 'none';
function tabOf(app: HttpApp, browser: Browser): Browser {
  const tab = app.browser();
  tab.cookies.set(COOKIE, tokenOf(browser));
  return tab;
}

await describeHttp('review', (bench) => {
  it('public write with a cookie that a sign-in just replaced leaves the cookie alone', async () => {
    const { app } = bench;
    app.on('cart', ({ session }) => session.set('cart', 1));
    const browser = app.browser();
    await browser.post('/public/cart');
    const late = tabOf(app, browser);
    await browser.post('/login', { userId: 'ada' });
    const answer = await late.post('/public/cart');
    console.log('replaced write', answer.status, answer.body, answer.headers.getSetCookie());
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
  it('public write with a cookie that a step-up just replaced', async () => {
    const { app } = bench;
    app.on('cart', ({ session }) => session.set('cart', 1));
    app.on('up', ({ session }) => session.stepUp({ aal: 2 }));
    const browser = await app.signedIn('ada');
    const late = tabOf(app, browser);
    await browser.post('/guarded/up');
    const answer = await late.post('/public/cart');
    console.log('stepup write', answer.status, answer.body, answer.headers.getSetCookie());
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
  it('useDefaultExpiry before signIn', async () => {
    const { app } = bench;
    app.on('w', ({ session }) => session.set('a', 1));
    app.on('in', ({ session }) => { session.useDefaultExpiry(); session.signIn('bob', { policy: 'remembered' }); });
    app.on('left', ({ session }) => ({ r: session.remainingMs, e: session.expiresAt }));
    const browser = app.browser();
    await browser.post('/public/w');
    const a = await browser.post('/public/in');
    console.log(a.headers.getSetCookie(), (await browser.get('/guarded/left')).body);
  });
  it('update of an unstorable', async () => {
    const { app } = bench;
    app.on('bad', ({ session }) => { session.set('a', () => 1); try { session.update('a', (x) => x); } catch (e) { return { name: (e as Error).name }; } return {}; });
    const browser = app.browser();
    const a = await browser.post('/public/bad');
    console.log(a.status, a.body);
  });
  it.each([
    ['cyclic', (s: any) => { const o: any = {}; o.o = o; s.set('a', o); }],
    ['bigint', (s: any) => s.set('a', 1n)],
    ['date', (s: any) => s.set('a', new Date())],
    ['sparse', (s: any) => s.set('a', [, 1])],
    ['symbolkey', (s: any) => { s.data[Symbol('x')] = 1; }],
    ['getter', (s: any) => { s.set('a', { get x() { throw new Error('boom'); } }); }],
    ['getter top', (s: any) => { Object.defineProperty(s.data, 'x', { enumerable: true, get() { throw new Error('boom'); } }); }],
    ['proxy', (s: any) => { s.set('a', new Proxy({}, { ownKeys() { throw new Error('trap'); } })); }],
    ['toJSON inherited', (s: any) => { s.set('a', Object.assign(Object.create({ toJSON() { return 1; } }), {})); }],
    ['array prop', (s: any) => { const a: any = [1]; a.x = 2; s.set('a', a); }],
    ['array toJSON', (s: any) => { const a: any = [1]; a.toJSON = () => ({ evil: 1 }); s.set('a', a); }],
    ['class array', (s: any) => { class X extends Array {} ; s.set('a', new X(3)); }],
    ['String object', (s: any) => s.set('a', new String('x'))],
    ['deep 10000', (s: any) => { let o: any = {}; for (let i = 0; i < 10000; i++) o = { o }; s.set('a', o); }],
    ['key empty', (s: any) => s.set('', 1)],
    ['__proto__', (s: any) => s.set('__proto__', { a: 1 })],
    ['constructor', (s: any) => s.set('constructor', { prototype: { polluted: 1 } })],
    ['symbol', (s: any) => s.set('a', Symbol('x'))],
    ['huge', (s: any) => s.set('a', 'x'.repeat(70000))],
  ])('hostile value %s', async (name, script) => {
    const { app } = bench;
    app.on('h', ({ session }) => { script(session); });
    const browser = await app.signedIn('ada');
    const a = await browser.post('/guarded/h');
    app.on('r', ({ session }) => ({ d: session.data }));
    const r = await browser.get('/guarded/r');
    console.log(name, a.status, JSON.stringify(a.body), JSON.stringify(r.body).slice(0, 80));
    expect(({} as any).polluted).toBeUndefined();
  });
}, { options: { rotationIntervalMs: minutes(10), rotationGraceMs: seconds(30), policies: {
  default: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: minutes(600) },
  anonymous: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: minutes(600) },
  remembered: { idleTimeoutMs: null, absoluteTimeoutMs: minutes(6000), persistent: true } } } }, ['sqlite']);
