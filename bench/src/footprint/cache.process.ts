import { setTimeout as pause } from 'node:timers/promises';

import { SessionChannel, SessionService } from 'nestjs-curfew';

import { startSessionContext } from '../curfew/session-context.js';
import { handle } from '../processes/handlers.js';
import { collectedHeap } from './collected-heap.js';

export interface CacheInput {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
  readonly sessions: number;
  /** Characters of each session's data. */
  readonly dataLength: number;
}

const CLIENT = {
  ip: '203.0.113.77',
  userAgent:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
};

handle({
  /** @returns the bytes of heap that each session takes which the cache keeps */
  async bytesPerSession(input: CacheInput): Promise<number> {
    const { databaseUrl, redisUrl, prefix, sessions, dataLength } = input;
    const context = await startSessionContext(databaseUrl, {
      channel: { driver: 'redis', connection: { url: redisUrl }, prefix },
      cache: { maxEntries: sessions },
    });
    const service = context.get(SessionService);
    const channel = context.get(SessionChannel);
    const data = { text: 'x'.repeat(dataLength) };
    const tokens: string[] = [];
    for (let index = 0; index < sessions; index += 1) {
      const { token } = await service.issue({ userId: `user-${index}`, client: CLIENT, data });
      tokens.push(token);
    }
    // What comes before the first sign of life is forgotten with it.
    while (channel.leaseExpiresAt < performance.now()) await pause(5);
    const before = collectedHeap();
    for (const token of tokens) await service.resolve(token);
    const bytes = collectedHeap() - before;
    await context.close();
    return bytes / sessions;
  },
});
