import { randomInt } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import { getDataSourceToken } from '@nestjs/typeorm';
import {
  seconds,
  days,
  minutes,
  SessionEvents,
  SessionService,
  type ActiveSession,
} from 'nestjs-curfew';
import pg from 'pg';
import type { DataSource } from 'typeorm';

import { startSessionContext } from '../curfew/session-context.js';
import { POOL_SIZE } from '../request/pool-size.js';
import { PeerTouches } from './peer-touches.js';

/** Through Curfew's buffer, or by one statement for each touch. */
export type TouchWay = 'flush/curfew' | 'flush/update-each' | 'flush/connect-pg-simple';

/** So much of a touch interval goes by, as it seems to the sessions, with each round. */
const INTERVAL_MS = minutes(1);
/**
 * `purge_at` moves in steps of an hour, for a session that is in use in one touch interval of 60. A round takes a tenth
 * of a second instead of a minute, so the steps are that much shorter, and the sessions take them one after another.
 */
const BUCKET_MS = seconds(6);
const IDLE_MS = minutes(60);
/** Touches that wait for their statement at once: as many as there are requests under way on a busy server. */
const AT_ONCE = 32;
/** Touches that one turn of the event loop brings to the buffer, as its requests do. */
const TOUCHES_A_TURN = 50;
const CLIENT = {
  ip: '203.0.113.77',
  userAgent:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
};
/** Slow enough that each connection of a pool gets one of them. */
const HAND_IN_STATISTICS = 'select pg_stat_force_next_flush(), pg_sleep(0.05)';

/** The same sessions again and again, each touched once in every touch interval. */
export class TouchBench {
  #written = 0;

  private constructor(
    private readonly service: SessionService,
    private readonly active: readonly ActiveSession[],
    private readonly dataSource: DataSource,
    private readonly pool: pg.Pool,
    private readonly peer: PeerTouches,
  ) {}

  static async start(databaseUrl: string, sessions: number): Promise<TouchBench> {
    const context = await startSessionContext(databaseUrl, {
      touchIntervalMs: INTERVAL_MS,
      purge: { bucketMs: BUCKET_MS },
      policies: { default: { idleTimeoutMs: IDLE_MS + BUCKET_MS, absoluteTimeoutMs: days(30) } },
    });
    const service = context.get(SessionService);
    const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE });
    const peer = new PeerTouches(pool);
    const active: ActiveSession[] = [];
    await inLanes(
      Array.from({ length: sessions }, (_, index) => index),
      async (index) => {
        const userId = `user-${index}`;
        const idleTimeoutMs = IDLE_MS + Math.floor((index / sessions) * BUCKET_MS);
        const { token } = await service.issue({ userId, idleTimeoutMs, client: CLIENT });
        const found = await service.resolve(token);
        if (found.status !== 'active')
          throw new Error(`Expected a live session, got ${found.status}.`);
        const { session } = found.record;
        // As if the request came a touch interval later.
        active.push({
          ...found,
          record: { ...found.record, now: session.lastSeenAt + INTERVAL_MS },
        });
        await peer.add(userId);
      },
    );
    shuffle(active);
    const dataSource = context.get<DataSource>(getDataSourceToken());
    const bench = new TouchBench(service, active, dataSource, pool, peer);
    context.get(SessionEvents).on('session:touched', ({ count }) => (bench.#written += count));
    return bench;
  }

  /** One touch interval: every session shows activity once. @returns how many were written */
  touchAll(way: TouchWay): Promise<number> {
    return way === 'flush/curfew' ? this.#touchByBuffer() : this.#touchEach(way);
  }

  async #touchByBuffer(): Promise<number> {
    const before = this.#written;
    for (const [index, session] of this.active.entries()) {
      this.service.touch(session, CLIENT);
      if (index % TOUCHES_A_TURN === 0) await setImmediate();
    }
    await this.service.flushTouches();
    return this.#written - before;
  }

  async #touchEach(way: Exclude<TouchWay, 'flush/curfew'>): Promise<number> {
    let written = 0;
    await inLanes(this.active, async ({ record }) => {
      const { id, userId } = record.session;
      const rows = await (way === 'flush/update-each' ? this.#update(id) : this.peer.touch(userId));
      written += rows;
    });
    return written;
  }

  /** The least that a touch could be. */
  async #update(id: string): Promise<number> {
    const now = Date.now();
    const { rowCount } = await this.pool.query(
      'update sessions set last_seen_at = $2, idle_expires_at = $3 where id = $1',
      [id, now, now + IDLE_MS],
    );
    return rowCount ?? 0;
  }

  /** Makes every connection hand in what it has counted: PostgreSQL would do it some time later. */
  async handInStatistics(): Promise<void> {
    const each = Array.from({ length: POOL_SIZE }, () => [
      this.dataSource.query(HAND_IN_STATISTICS),
      this.pool.query(HAND_IN_STATISTICS),
    ]);
    await Promise.all(each.flat());
  }
}

async function inLanes<T>(values: Iterable<T>, work: (value: T) => Promise<void>): Promise<void> {
  const waiting = values[Symbol.iterator]();
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next())
      await work(next.value);
  });
  await Promise.all(lanes);
}

/** In place. Neighbours in the table seldom show activity together. */
function shuffle(values: unknown[]): void {
  for (let index = values.length - 1; index > 0; index -= 1) {
    const other = randomInt(index + 1);
    [values[index], values[other]] = [values[other], values[index]];
  }
}
