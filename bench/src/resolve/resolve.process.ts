import { randomInt } from 'node:crypto';

import type { INestApplicationContext } from '@nestjs/common';
import { Clock, days, SessionService } from 'nestjs-curfew';

import { startSessionContext } from '../curfew/session-context.js';
import { handle } from '../processes/handlers.js';
import { percentile } from '../statistics.js';

export interface StartInput {
  readonly databaseUrl: string;
  readonly sessions: number;
  /** Over how long a time they were issued, until now, in milliseconds. */
  readonly spanMs: number;
}

export interface ResolveInput {
  /** How many look-ups are asked for together. */
  readonly atOnce: number;
  readonly durationMs: number;
}

export interface ResolveReport {
  readonly resolves: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** No idle timeout: sessions of every age are live. */
const POLICIES = { default: { idleTimeoutMs: null, absoluteTimeoutMs: days(365) } };

const tokens: string[] = [];
let context: INestApplicationContext | undefined;

handle({
  /** Issues the sessions that are looked up, at instants all over the span: their ids lie all over the table's. */
  async start({ databaseUrl, sessions, spanMs }: StartInput): Promise<void> {
    const now = Date.now();
    const clock = new (class extends Clock {
      override now = (): number => now - randomInt(spanMs);
    })();
    const past = await startSessionContext(databaseUrl, { clock, policies: POLICIES });
    for (let index = 0; index < sessions; index += 1) {
      const { token } = await past.get(SessionService).issue({ userId: `user-${index}` });
      tokens.push(token);
    }
    await past.close();
    context = await startSessionContext(databaseUrl, { policies: POLICIES });
  },

  async resolve({ atOnce, durationMs }: ResolveInput): Promise<ResolveReport> {
    const service = context?.get(SessionService);
    const latencies: number[] = [];
    const start = performance.now();
    const lanes = Array.from({ length: atOnce }, async () => {
      while (performance.now() - start < durationMs) {
        const token = tokens[randomInt(tokens.length)];
        const askedAt = performance.now();
        const found = await service?.resolve(token);
        latencies.push(performance.now() - askedAt);
        if (found?.status !== 'active')
          throw new Error(`Expected a live session, got ${found?.status}.`);
      }
    });
    await Promise.all(lanes);
    return {
      resolves: latencies.length,
      elapsedMs: performance.now() - start,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  },
});
