import assert from 'node:assert/strict';

import { days, hours, minutes } from '../../core/duration.js';
import { purgeAt, sessionState, type PurgeTiming } from '../../core/session-policy.js';
import type { NewSession, PurgedSession, SessionStore } from '../../core/session-store.js';
import { newSessionId } from '../../core/session-token.js';
import type { SessionRecord } from '../../core/session.js';
import { FakeClock } from '../fake-clock.js';

/** The functions of a test runner that the contract needs: those of Jest, Vitest or Jasmine. */
export interface ContractRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  beforeAll(hook: () => Promise<void>): void;
  afterAll(hook: () => Promise<void>): void;
}

/** How the store under test must be set up. */
export interface ContractSettings extends PurgeTiming {
  /** The only clock of the store: its SQL takes the time from it as a parameter. */
  readonly clock: FakeClock;
}

/** A store under test, with nothing in it. */
export interface ContractStore {
  readonly store: SessionStore;
  /** Sets the credential of a user, whom it adds where there is none. */
  setCredential(userId: string, credential: string): Promise<void>;
  /** Releases what the store holds. Called once, after the last test. */
  close(): Promise<void>;
}

export const IDLE_TIMEOUT_MS = minutes(30);
export const ABSOLUTE_TIMEOUT_MS = hours(12);

/** Longer than any session of the contract lives and any ended one is retained. */
const LONG_AFTER_MS = days(3);

/** What the tests of the contract share: one store, its clock, and the steps that most of them begin with. */
export class ContractBench {
  readonly settings: ContractSettings = {
    clock: new FakeClock(),
    retentionMs: hours(1),
    purgeBucketMs: minutes(10),
  };
  #opened: ContractStore | undefined;
  #users = 0;

  get clock(): FakeClock {
    return this.settings.clock;
  }

  get store(): SessionStore {
    return this.#require().store;
  }

  async open(createStore: (settings: ContractSettings) => Promise<ContractStore>): Promise<void> {
    this.#opened = await createStore(this.settings);
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  setCredential(userId: string, credential: string): Promise<void> {
    return this.#require().setCredential(userId, credential);
  }

  /** A user id that no other test has. */
  newUserId(): string {
    this.#users += 1;
    return `user-${this.#users}`;
  }

  newSession(given: Partial<NewSession> = {}): NewSession {
    const id = newSessionId(this.clock.now());
    return {
      id,
      tokenHash: hashOf('0'),
      generation: 0,
      userId: null,
      policy: 'default',
      persistent: false,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      absoluteTimeoutMs: ABSOLUTE_TIMEOUT_MS,
      expiresAt: null,
      aal: null,
      amr: null,
      ip: null,
      userAgent: null,
      data: null,
      ...given,
    };
  }

  /** Inserts a session. @returns its id. */
  async insert(given: Partial<NewSession> = {}): Promise<string> {
    const session = this.newSession(given);
    assert.equal(await this.store.insert(session), 'inserted');
    return session.id;
  }

  /** Inserts several alike. @returns their ids, in order. */
  async insertMany(count: number, given: Partial<NewSession> = {}): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push(await this.insert(given));
    return ids.toSorted();
  }

  /** The record of a session that must be there. */
  async record(id: string): Promise<SessionRecord> {
    const record = await this.store.find(id);
    assert(record !== undefined, 'Expected the row of the session to be there');
    return record;
  }

  /** The parsed data of a session. */
  async data(id: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.record(id)).data ?? '{}') as Record<string, unknown>;
  }

  async isLive(id: string): Promise<boolean> {
    return sessionState(await this.record(id), undefined).status === 'active';
  }

  /** When a session may be purged that ends at `endsAt`. */
  dueAt(endsAt: number): number {
    return purgeAt(endsAt, this.settings);
  }

  /** Purges until nothing is due. @returns what was deleted. */
  async purge(): Promise<readonly PurgedSession[]> {
    const deleted: PurgedSession[] = [];
    const limit = 100;
    const cutoff = await this.store.now();
    let batch = await this.store.purgeBatch({ cutoff, watermark: 0, limit });
    deleted.push(...batch.deleted);
    while (batch.selected === limit) {
      batch = await this.store.purgeBatch({ cutoff, watermark: batch.watermark, limit });
      deleted.push(...batch.deleted);
    }
    return deleted;
  }

  /** Lets every session of the earlier tests end, and purges them. */
  async empty(): Promise<void> {
    this.clock.advance(LONG_AFTER_MS);
    await this.purge();
  }

  #require(): ContractStore {
    assert(this.#opened !== undefined, 'Expected createStore to have run before the test');
    return this.#opened;
  }
}

/** Something of the shape of a token's hash. */
export function hashOf(hexDigit: string): string {
  return hexDigit.repeat(64);
}

/** Runs one thing several times at once. */
export function inParallel<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}
