import type { Clock } from '../core/clock.js';
import type { Resolution } from '../core/session-resolution.js';
import type { SessionService } from '../core/session.service.js';

/** A token that a client presented, and how it is looked up: once with a request, or with every message of a socket. */
export interface PresentedToken {
  /** `undefined` where nothing was presented. */
  readonly value: string | undefined;
  /** @param isFresh whether the database has to be asked, whatever this process remembers. */
  resolve(sessions: SessionService, isFresh: boolean): Resolution | Promise<Resolution>;
}

/** The token of a request: presented now. */
export class RequestToken implements PresentedToken {
  constructor(readonly value: string | undefined) {}

  resolve(sessions: SessionService, isFresh: boolean): Resolution | Promise<Resolution> {
    return (isFresh ? undefined : sessions.cached(this.value)) ?? sessions.resolve(this.value);
  }
}

/**
 * The token of a handshake. The client cannot exchange it while the socket is open, so periodic rotations that come
 * meanwhile are followed here: each look-up that finds the session live takes the newest token that follows from the last
 * one. A sign-in, a step-up or a password change gives out a token that follows from none: the socket is refused then,
 * as a copy of its token would be. Always by the database: a socket that lives on must not live on what is remembered.
 */
export class SocketToken implements PresentedToken {
  #value: string | undefined;
  /** When the token was presented, or last found good; `null` where that is not known. */
  #goodAt: number | null;
  readonly #clock: Clock;

  /** @param presentedAt by `clock`, which measures how long ago that is */
  constructor(value: string | undefined, presentedAt: number | null, clock: Clock) {
    this.#value = value;
    this.#goodAt = presentedAt;
    this.#clock = clock;
  }

  get value(): string | undefined {
    return this.#value;
  }

  async resolve(sessions: SessionService): Promise<Resolution> {
    const now = this.#clock.now();
    const presentedAgoMs = this.#goodAt === null ? null : Math.max(0, now - this.#goodAt);
    const resolution = await sessions.resolve(this.#value, { presentedAgoMs });
    if (resolution.status === 'active') {
      this.#value = resolution.successor ?? this.#value;
      this.#goodAt = now;
    }
    return resolution;
  }
}
