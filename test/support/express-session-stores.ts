import { beforeAll, describe } from '@jest/globals';
import type { DataSource } from 'typeorm';

import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { SessionPrincipalEntity } from '../../libs/session/src/store/session-principal.entity.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { describeEachDatabase } from './databases.js';

const TIMING = { retentionMs: 86_400_000, purgeBucketMs: 3_600_000 };

/** A store and the clock that it runs on. */
export interface ClockedStore {
  readonly store: SessionStore;
  readonly clock: FakeClock;
}

/** Describes the same behaviour on the memory store and on every database. `current` is for use inside tests and hooks. */
export async function describeEachStore(
  title: string,
  define: (current: () => ClockedStore) => void,
): Promise<void> {
  describe(`${title} in memory`, () => {
    const clock = new FakeClock();
    const store = new MemorySessionStore({ ...TIMING, clock });
    define(() => ({ store, clock }));
  });
  await describeEachDatabase(title, (database) => {
    const clock = new FakeClock();
    let dataSource: DataSource;
    beforeAll(async () => {
      dataSource = await database.connect({
        entities: [SessionEntity, SessionPrincipalEntity],
        synchronize: true,
      });
    });
    let store: SessionStore | undefined;
    define(() => {
      store ??= new TypeOrmSessionStore(dataSource, {
        ...TIMING,
        storeTimeoutMs: 5000,
        clock,
        principal: null,
      });
      return { store, clock };
    });
  });
}
