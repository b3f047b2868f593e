import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { runSessionMigrations } from '../../libs/session/src/migrations.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { SessionSweep } from '../../libs/session/src/invalidation/session-sweep.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import { resolveSessionOptions } from '../../libs/session/src/session.options-check.js';
import { SessionPrincipalEntity } from '../../libs/session/src/store/session-principal.entity.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { describeEachDatabase } from '../support/databases.js';
import { createTestSessions } from '../support/session-service.js';
import { sessionCommands } from '../support/session-commands.js';
import {
  ABSOLUTE_MS,
  assertAgreement,
  GRACE_MS,
  IDLE_MS,
  type Model,
  type Real,
} from '../support/session-model.js';

/** Set it to repeat a run that failed; a failure prints its seed. */
const seed = Number(process.env['SESSION_TEST_SEED'] ?? Date.now() % 2 ** 31);

const clock = new FakeClock();
const policy = { idleTimeoutMs: IDLE_MS, absoluteTimeoutMs: ABSOLUTE_MS };
const settings: Partial<SessionModuleOptions> = {
  policies: { default: policy, anonymous: policy },
  touchIntervalMs: 0,
  rotationGraceMs: GRACE_MS,
  retentionMs: 5_000,
  purge: { bucketMs: 1_000 },
};
const options = resolveSessionOptions({ secret: 's'.repeat(32), clock, ...settings });

let run = 0;

function realFor(store: SessionStore): Real {
  const { sessions, events } = createTestSessions({ store, clock, options: settings });
  const announced: string[] = [];
  events.on('session:revoked', ({ sessionId }) => announced.push(sessionId));
  const prefix = `run-${(run += 1)}`;
  return {
    service: sessions,
    sweep: new SessionSweep(store, events),
    clock,
    requests: [],
    announced,
    userId: (name) => `${prefix}-${name}`,
  };
}

async function agrees(storeOf: () => SessionStore, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.commands(sessionCommands, { maxCommands: 60, size: 'max' }),
      async (commands) => {
        const model: Model = { now: clock.now(), sessions: [], requests: [] };
        const real = realFor(storeOf());
        await fc.asyncModelRun(() => ({ model, real }), commands);
        await assertAgreement(model, real);
      },
    ),
    { numRuns, seed, verbose: 1 },
  );
}

describe('any order of requests agrees with the model in memory', () => {
  it('keeps what has ended ended, loses no write and announces once', async () => {
    const storeOf = (): SessionStore => new MemorySessionStore({ ...options, clock });
    await expect(agrees(storeOf, 3_000)).resolves.toBeUndefined();
  }, 120_000);
});

await describeEachDatabase('any order of requests agrees with the model', (database) => {
  let store: SessionStore;

  beforeAll(async () => {
    const entities = [SessionEntity, SessionPrincipalEntity];
    const dataSource = await database.connect({ entities });
    await runSessionMigrations(dataSource);
    store = new TypeOrmSessionStore(dataSource, options);
  });
  afterAll(() => console.info(`${database.name}: seed ${seed}`));

  it('keeps what has ended ended, loses no write and announces once', async () => {
    const numRuns = database.name === 'sqlite' ? 800 : 300;
    await expect(agrees(() => store, numRuns)).resolves.toBeUndefined();
  }, 240_000);
});
