import { AsyncLocalStorage } from 'node:async_hooks';

/** What the rest of the library may know of the session of the request under way. */
export interface CurrentSession {
  /** The stored session; `null` where there is none, or where a public route did not look. */
  readonly id: string | null;
  readonly userId: string | null;
  /** Asks for a new token when the request commits: the old one is dead from then on. */
  requireRotation(): void;
}

/**
 * The session of the request that runs now. Only the credential subscriber reads it: TypeORM gives it no other way to
 * learn which session asked for a change of password. Everything else is handed its session.
 */
export const currentSession = new AsyncLocalStorage<CurrentSession>();
