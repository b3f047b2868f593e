import connectPgSimple from 'connect-pg-simple';
import expressSession, { type SessionData, type Store } from 'express-session';
import type { Pool } from 'pg';

const MAX_AGE_MS = 30 * 60 * 1000;

/** connect-pg-simple in its own table, with its own index, written as express-session has it written. */
export class PeerTouches {
  readonly #store: Store;

  constructor(pool: Pool) {
    const PostgresStore = connectPgSimple(expressSession);
    this.#store = new PostgresStore({
      pool,
      createTableIfMissing: true,
      pruneSessionInterval: false,
    });
  }

  add(id: string): Promise<void> {
    return done((callback) => this.#store.set(id, dataOf(id), callback));
  }

  /** @returns how many rows were written; the store does not tell, and fails where it cannot write. */
  async touch(id: string | null): Promise<number> {
    await done((callback) => this.#store.touch?.(String(id), dataOf(String(id)), () => callback()));
    return 1;
  }
}

function dataOf(userId: string): SessionData {
  const expires = new Date(Date.now() + MAX_AGE_MS);
  return { cookie: { originalMaxAge: MAX_AGE_MS, expires }, userId } as SessionData;
}

function done(start: (callback: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
