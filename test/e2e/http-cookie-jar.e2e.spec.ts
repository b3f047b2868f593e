import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { days, minutes, seconds } from 'nestjs-curfew';

import type { Answer, Browser } from '../support/browser.js';
import { describeHttp, type HttpBench } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';

type Call = readonly [method: string, path: string];

/** What a page may send at any time, sessions or none. */
const HARMLESS: readonly Call[] = [
  ['GET', '/me'],
  ['HEAD', '/me'],
  ['GET', '/who'],
  ['GET', '/untouched'],
  ['POST', '/public/write'],
  ['POST', '/guarded/write'],
  ['POST', '/own/write-and-send'],
  ['POST', '/public/count'],
  ['POST', '/guarded/fail'],
];

/** What gives out another token. */
const RENEWING: readonly Call[] = [
  ['POST', '/login'],
  ['POST', '/guarded/step-up'],
  ['POST', '/guarded/rotate'],
];

interface Burst {
  readonly calls: readonly Call[];
  /** In which order the answers arrive. */
  readonly arrival: readonly number[];
  /** Milliseconds until the next burst. */
  readonly pauseMs: number;
}

const burstsOf = (calls: fc.Arbitrary<readonly Call[]>): fc.Arbitrary<Burst[]> =>
  fc.array(
    fc.record({
      calls,
      arrival: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
      pauseMs: fc.constantFrom(0, 1, seconds(10), seconds(29), minutes(10)),
    }),
    { minLength: 1, maxLength: 5 },
  );

const harmless = fc.array(fc.constantFrom(...HARMLESS), { minLength: 1, maxLength: 5 });

/** One of them somewhere among the others. Two at once: whichever answer arrives last decides, whatever a server does. */
const oneRenewing = fc
  .tuple(harmless, fc.constantFrom(...RENEWING), fc.nat(5))
  .map(([calls, renewing, at]) => calls.toSpliced(at, 0, renewing));

/** Sends all calls with the cookie of now, and takes the cookies of the answers as they arrive. */
async function send(app: HttpApp, browser: Browser, { calls, arrival }: Burst): Promise<void> {
  const token = browser.cookies.get(COOKIE) ?? 'none';
  const answers = await Promise.all(
    calls.map(async ([method, path]): Promise<Answer> => {
      const tab = app.browser();
      tab.cookies.set(COOKIE, token);
      return tab.request(method, path, method === 'POST' ? { userId: 'ada' } : undefined);
    }),
  );
  const arrived = answers
    .map(({ headers }, index) => ({ lines: headers.getSetCookie(), at: arrival[index] ?? 0 }))
    .toSorted((a, b) => a.at - b.at);
  for (const { lines } of arrived) for (const line of lines) browser.keep(line);
}

function staySignedIn({ app }: HttpBench, bursts: fc.Arbitrary<Burst[]>): Promise<void> {
  const property = fc.asyncProperty(bursts, async (some) => {
    const browser = await app.signedIn('ada');
    for (const burst of some) {
      await send(app, browser, burst);
      await app.sessions.flushTouches();
      app.clock.advance(burst.pauseMs);
      expect((await browser.get('/who')).body).toEqual({ userId: 'ada' });
    }
  });
  return fc.assert(property, { numRuns: 60 });
}

function describeBursts(
  title: string,
  rotationIntervalMs: number,
  calls: fc.Arbitrary<readonly Call[]>,
): Promise<void> {
  return describeHttp(
    title,
    (bench) => {
      beforeAll(() => {
        const { app } = bench;
        let count = 0;
        app.on('write', ({ session }) => session.set(`key-${(count += 1) % 20}`, count));
        app.on('write-and-send', ({ session, response }) => {
          session.set('own', (count += 1));
          response.send('body');
        });
        app.on('count', ({ session }) => session.update('count', (some) => Number(some ?? 0) + 1));
        app.on('fail', ({ session }) => {
          session.set('failed', true);
          throw new Error('no');
        });
        app.on('step-up', ({ session }) => session.stepUp({ aal: 2 }));
        app.on('rotate', ({ session }) => session.rotate());
      });

      it('leaves the browser signed in, in whatever order the answers arrive', async () => {
        await expect(staySignedIn(bench, burstsOf(calls))).resolves.toBeUndefined();
      }, 60_000);
    },
    { options: { rotationIntervalMs, rotationGraceMs: seconds(30) } },
    ['sqlite'],
  );
}

await describeBursts('a burst of requests around a periodic rotation', minutes(10), harmless);
await describeBursts('a burst of requests around a new token', days(1), oneRenewing);
