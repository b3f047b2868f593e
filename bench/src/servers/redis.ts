import { Redis } from 'ioredis';

import type { Server } from './servers.js';

export async function findRedis(url: string): Promise<Server | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2000,
    retryStrategy: () => null,
  });
  redis.on('error', () => {});
  try {
    const version = infoOf(await redis.info('server'), 'redis_version');
    return { url, version: async () => version };
  } catch {
    return undefined;
  } finally {
    redis.disconnect();
  }
}

/** What a scenario does with Redis beside what it measures. */
export class BenchRedis {
  readonly #redis: Redis;

  constructor({ url }: Server) {
    this.#redis = new Redis(url);
  }

  /** Commands so far, of the whole server: others who use it meanwhile are in it. */
  async commands(): Promise<number> {
    return Number(infoOf(await this.#redis.info('stats'), 'total_commands_processed'));
  }

  /** Deletes what is under a prefix, and closes the connection. */
  async leave(prefix: string): Promise<void> {
    for await (const keys of this.#redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
      if (keys.length > 0) await this.#redis.unlink(keys as string[]);
    }
    this.#redis.disconnect();
  }
}

function infoOf(text: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? '';
}
