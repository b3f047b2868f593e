import { SessionError } from '../core/errors.js';
import type { CommitOutcome } from '../core/session-commit.js';
import type { ActiveSession, Resolution } from '../core/session-resolution.js';
import type { SessionService } from '../core/session.service.js';
import type { SessionRecord } from '../core/session.js';
import type { PresentedToken } from './presented-token.js';

/**
 * Which session a request has: found by the token it presented when somebody first asks, and then whatever the request's
 * own commits made of it.
 */
export class SessionLookup {
  readonly #sessions: SessionService;
  readonly #presented: PresentedToken;
  #loaded: Resolution | Promise<Resolution> | undefined;
  /** Whether it is by what this process remembers. */
  #isCached = false;
  #active: ActiveSession | null = null;
  #record: SessionRecord | null = null;
  #presentedResolution: Resolution | undefined;
  /** What the client holds once it has the response; `null` where nothing that opens a session. */
  #token: string | null = null;
  #readAt = 0;

  constructor(sessions: SessionService, presented: PresentedToken) {
    this.#sessions = sessions;
    this.#presented = presented;
  }

  /** Whether the request presented anything, be it a token or not. */
  get isPresented(): boolean {
    return this.#presented.value !== undefined;
  }

  /** What the presented token amounted to when it was looked up; `undefined` before. */
  get presented(): Resolution | undefined {
    return this.#presentedResolution;
  }

  /** The request's session as last read or written; `null` where it has none. */
  get record(): SessionRecord | null {
    return this.#record;
  }

  get token(): string | null {
    return this.#token;
  }

  /** The store's clock now, as far as this process can tell; `undefined` where there is no record to tell it. */
  get now(): number | undefined {
    if (this.#record === null) return undefined;
    return this.#record.now + Math.round(performance.now() - this.#readAt);
  }

  /**
   * Looks the token up, once; with `isFresh` once more where that was only remembered. What is remembered comes at once.
   * Store down: rejects with `SESSION_STORE_UNAVAILABLE`, and the next call tries again.
   */
  load(isFresh = false): Resolution | Promise<Resolution> {
    if (this.#loaded !== undefined && !(isFresh && this.#isCached)) return this.#loaded;
    const found = this.#presented.resolve(this.#sessions, isFresh);
    this.#loaded = found instanceof Promise ? this.#whenFound(found) : this.#take(found);
    return this.#loaded;
  }

  /**
   * The session to commit to; `null` where there is none. A token that this request itself was given is resolved anew.
   * @throws `SESSION_ENDED` where that session is over already.
   */
  async current(): Promise<ActiveSession | null> {
    if (this.#active !== null || this.#record === null) return this.#active;
    const resolution = await this.#sessions.resolve(this.#token);
    if (resolution.status !== 'active') {
      throw new SessionError(
        'SESSION_ENDED',
        `Expected the session that this request began, got one that is ${resolution.status}. Nothing was written; sign in again.`,
      );
    }
    this.#active = resolution;
    return resolution;
  }

  /** Takes over what a commit made of the session. */
  accept({ record, token }: CommitOutcome): void {
    this.#isCached = false;
    const isReplaced = token !== null && token !== this.#active?.successor;
    this.#see(record);
    if (token !== null) this.#token = token;
    this.#active =
      isReplaced || record === null || this.#active === null ? null : { ...this.#active, record };
  }

  /** The request has no session any more. */
  forget(): void {
    this.#isCached = false;
    this.#active = null;
    this.#token = null;
    this.#see(null);
  }

  async #whenFound(finding: Promise<Resolution>): Promise<Resolution> {
    try {
      return (this.#loaded = this.#take(await finding));
    } catch (error) {
      this.#loaded = undefined;
      throw error;
    }
  }

  #take(resolution: Resolution): Resolution {
    const isActive = resolution.status === 'active';
    this.#presentedResolution = resolution;
    this.#isCached = isActive && resolution.isCached === true;
    this.#active = isActive ? resolution : null;
    this.#token = isActive ? (this.#presented.value ?? null) : null;
    this.#see(isActive ? resolution.record : null);
    return resolution;
  }

  #see(record: SessionRecord | null): void {
    this.#record = record;
    this.#readAt = performance.now();
  }
}

/**
 * Whether a token is over for good, so that the client may drop it. Not where the session was replaced by a sign-in or
 * lives under a newer token: the browser may already hold that one under the same name.
 */
export function isOver(resolution: Resolution): boolean {
  switch (resolution.status) {
    case 'absent':
    case 'idle-expired':
    case 'absolute-expired':
      return true;
    case 'revoked':
      return resolution.reason !== 'replaced';
    case 'active':
    case 'malformed':
    case 'superseded':
      return false;
  }
}

/**
 * Whether a token gave way to another one less than `graceMs` ago, by a sign-in or a rotation: requests that were on their
 * way then come with it, and the browser has the newer one, or is about to.
 */
export function isOvertaken(resolution: Resolution | undefined, graceMs: number): boolean {
  if (resolution?.status !== 'revoked' && resolution?.status !== 'superseded') return false;
  if (resolution.status === 'revoked' && resolution.reason !== 'replaced') return false;
  const { session, now } = resolution.record;
  const overtakenAt = resolution.status === 'revoked' ? session.revokedAt : session.rotatedAt;
  return overtakenAt !== null && now - overtakenAt < graceMs;
}
