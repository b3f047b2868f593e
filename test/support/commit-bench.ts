import type { CommitOutcome } from '../../libs/session/src/core/session-commit.js';
import { hours, minutes } from '../../libs/session/src/core/duration.js';
import { parseData, type SessionDataRecord } from '../../libs/session/src/core/session-data.js';
import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { ActiveSession } from '../../libs/session/src/core/session-resolution.js';
import type { SessionChange } from '../../libs/session/src/core/session-store.js';
import type { SessionWork } from '../../libs/session/src/core/session-work.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import type { SessionRecord } from '../../libs/session/src/core/session.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { createTestSessions } from './session-service.js';

/** Longest data of a session here, in bytes. */
const MAX_DATA_BYTES = 100;

/** A store in which another request can be quicker: it runs just before the next write. */
export class ContendedStore extends MemorySessionStore {
  #interference: (() => Promise<unknown>) | undefined;

  interfere(once: () => Promise<unknown>): void {
    this.#interference = once;
  }

  override async update(id: string, change: SessionChange): Promise<boolean> {
    const interference = this.#interference;
    this.#interference = undefined;
    await interference?.();
    return super.update(id, change);
  }
}

/** What the tests of commits begin with: sessions as a request finds them, and the work that it leaves. */
export class CommitBench {
  readonly clock = new FakeClock();
  readonly credentials = new Map<string, string>();
  readonly store = new ContendedStore({
    clock: this.clock,
    verifyCredential: (userId, credential) => this.credentials.get(userId) === credential,
  });
  readonly sessions: SessionService;
  readonly events: SessionEvents;

  constructor() {
    const { sessions, events } = createTestSessions({
      clock: this.clock,
      store: this.store,
      options: {
        rotationIntervalMs: minutes(10),
        maxDataBytes: MAX_DATA_BYTES,
        policies: {
          default: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: hours(12) },
          anonymous: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: hours(12) },
          remembered: { idleTimeoutMs: null, absoluteTimeoutMs: hours(100), persistent: true },
        },
      },
    });
    this.sessions = sessions;
    this.events = events;
  }

  /** The same sessions as seen by a process with other options. */
  sessionsWith(options: Partial<SessionModuleOptions>): SessionService {
    return createTestSessions({ clock: this.clock, store: this.store, options }).sessions;
  }

  /** What a request finds that presents this token, which must be good. */
  async resolve(token: string | null | undefined): Promise<ActiveSession> {
    const resolution = await this.sessions.resolve(token);
    if (resolution.status === 'active') return resolution;
    throw new Error(`Expected active, got ${resolution.status}`);
  }

  async issue(
    userId: string | null = 'ada',
    data?: SessionDataRecord,
  ): Promise<{ current: ActiveSession; token: string; id: string }> {
    const { token, session } = await this.sessions.issue({ userId, ...(data && { data }) });
    return { current: await this.resolve(token), token, id: session.id };
  }

  /** Commits for a request that found `current`. */
  commit(
    current: ActiveSession | null,
    work: Partial<SessionWork> = {},
    sessions = this.sessions,
  ): Promise<CommitOutcome> {
    return sessions.commit({
      current,
      client: { ip: '192.0.2.1', userAgent: 'Browser' },
      data: null,
      updates: [],
      signIn: null,
      rotation: null,
      expiry: {},
      authenticated: null,
      ...work,
    });
  }

  /** Sets one key behind the back of a request. */
  setBehind(id: string, key: string, value: unknown): Promise<boolean> {
    const data = { set: { [key]: JSON.stringify(value) }, remove: [] };
    return MemorySessionStore.prototype.update.call(this.store, id, { data });
  }

  async record(id: string | undefined): Promise<SessionRecord> {
    const record = await this.store.find(id ?? '');
    if (record !== undefined) return record;
    throw new Error('Expected the row of the session to be there');
  }

  async data(id: string | undefined): Promise<Record<string, unknown>> {
    return { ...parseData((await this.record(id)).data) };
  }
}

/** The work of a handler that changes the data as it was read. */
export function changing(
  { record }: ActiveSession,
  change: (data: SessionDataRecord) => void,
): Pick<SessionWork, 'data'> {
  const [before, after] = [parseData(record.data), parseData(record.data)];
  change(after);
  return { data: { before, after } };
}

export function setting(
  current: ActiveSession,
  key: string,
  value: unknown,
): Pick<SessionWork, 'data'> {
  return changing(current, (data) => void (data[key] = value));
}

/** Work that adds one to the key `count`, atomically. */
export const counting: Pick<SessionWork, 'updates'> = {
  updates: [{ key: 'count', apply: (count) => Number(count ?? 0) + 1 }],
};
