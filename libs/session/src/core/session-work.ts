import type { SessionDataRecord } from './session-data.js';
import type { ActiveSession } from './session-resolution.js';
import type { SessionChange } from './session-store.js';

/** Where a client is: recorded with the session unless switched off. */
export interface ClientDescription {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface SignInOptions {
  /**
   * The stored credential (the password's hash) that the sign-in was proven with. With it, a password change that runs
   * at the same time leaves no live session; needs the `principal` option. Without it the sign-in is not so guarded.
   */
  readonly credential?: string;
  /** Name of the policy; `default` unless given. */
  readonly policy?: string;
  /** Authentication assurance level, 1 to 3; 1 unless given. */
  readonly aal?: 1 | 2 | 3;
  /** Authentication methods (RFC 8176), such as `['pwd']`. */
  readonly amr?: readonly string[];
  /** Whether the cookie outlives the browser; what the policy says unless given. */
  readonly persistent?: boolean;
}

/** A change of one key that depends on its value: run again on the newest value when it lost a race. */
export interface KeyUpdate {
  readonly key: string;
  readonly apply: (value: unknown) => unknown;
}

/** What a request wants of its session, collected until it commits. */
export interface SessionWork {
  /** The session that the request came with, if it was live. */
  readonly current: ActiveSession | null;
  readonly client: ClientDescription;
  /** The data as it was read and as it is now; `null` where nobody looked. */
  readonly data: { readonly before: SessionDataRecord; readonly after: SessionDataRecord } | null;
  readonly updates: readonly KeyUpdate[];
  readonly signIn: { readonly userId: string; readonly options: SignInOptions } | null;
  /**
   * Whether to give out a new token: `due` for a periodic rotation, `now` for a random one. `own` is a random one for a proof
   * or a changed credential: a token that a parallel request gave out for neither may be in the hands of a thief.
   */
  readonly rotation: 'due' | 'now' | 'own' | null;
  readonly expiry: Pick<SessionChange, 'idleTimeoutMs' | 'expiresAt' | 'persistent'>;
  readonly authenticated: NonNullable<SessionChange['authenticated']> | null;
}
