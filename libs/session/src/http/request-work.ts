import type { ActiveSession } from '../core/session-resolution.js';
import type { ClientDescription, SessionWork, SignInOptions } from '../core/session-work.js';
import { RequestSessionData } from './request-session-data.js';

/** No wish. */
const UNSET: SessionWork['expiry'] = Object.freeze({});

/** What a request wants of its session and has not committed yet. Of two contrary wishes the later one holds. */
export class RequestWork {
  data: RequestSessionData;
  signIn: { readonly userId: string; readonly options: SignInOptions } | null = null;
  rotation: SessionWork['rotation'] = null;
  /** What was asked for of the expiry, by name. */
  expiryWishes: SessionWork['expiry'] = UNSET;
  /** What the session's policy says, where that was asked for. Means nothing for a session that a sign-in begins. */
  expiryDefaults: SessionWork['expiry'] = UNSET;
  authenticated: SessionWork['authenticated'] = null;

  /** @param stored JSON text of the session's data; `null` for none. */
  constructor(stored: string | null = null) {
    this.data = new RequestSessionData(stored);
  }

  get expiry(): SessionWork['expiry'] {
    return this.signIn === null
      ? { ...this.expiryDefaults, ...this.expiryWishes }
      : this.expiryWishes;
  }

  get isEmpty(): boolean {
    return (
      this.signIn === null &&
      this.rotation === null &&
      this.authenticated === null &&
      isUnset(this.expiryWishes) &&
      isUnset(this.expiryDefaults) &&
      !this.data.isChanged
    );
  }

  /** Whether the client would have to be given a token. */
  needsToken(hasSession: boolean): boolean {
    return this.signIn !== null || this.rotation !== null || !hasSession;
  }

  toCommit(current: ActiveSession | null, client: ClientDescription): SessionWork {
    const { signIn, rotation, expiry, authenticated } = this;
    return { current, client, ...this.data.changes(), signIn, rotation, expiry, authenticated };
  }

  /** Takes note that all of it was written. */
  committed(stored: string | null): void {
    this.data.committed(stored);
    this.signIn = null;
    this.rotation = null;
    this.expiryWishes = UNSET;
    this.expiryDefaults = UNSET;
    this.authenticated = null;
  }
}

function isUnset(expiry: SessionWork['expiry']): boolean {
  return expiry === UNSET || Object.keys(expiry).length === 0;
}
