import { Logger } from '@nestjs/common';

import type { SessionService } from '../core/session.service.js';
import type { RevokeReason } from '../core/session.js';

/** An event of the application that ends a user's sessions, every default filled in. */
export interface InvalidatingEvent {
  readonly event: string;
  /** Finds the user's id in the payload; anything but text or a whole number means that there is none. */
  readonly userId: (payload: unknown) => unknown;
  readonly reason: RevokeReason;
}

type Listener = (payload: unknown) => Promise<void>;

/** The part of the application's emitter that is needed: `EventEmitter2` fits. */
export interface DomainEventEmitter {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/**
 * Ends all sessions of a user when an event of the application's own names them.
 *
 * Nothing is thrown into the emitter: a payload without a user id and a store that is down are logged as errors, and those
 * sessions live on. `emitAsync` resolves after the sessions have ended.
 */
export class DomainEventListener {
  readonly #logger = new Logger('Session');

  constructor(
    private readonly sessions: SessionService,
    private readonly events: readonly InvalidatingEvent[],
  ) {}

  /** Listens from now on. @returns a function that stops it. */
  listenTo(emitter: DomainEventEmitter): () => void {
    const listeners = this.events.map((event) => {
      const listener: Listener = (payload) => this.#onEvent(event, payload);
      emitter.on(event.event, listener);
      return () => emitter.off(event.event, listener);
    });
    return () => {
      for (const stop of listeners) stop();
    };
  }

  async #onEvent({ event, userId, reason }: InvalidatingEvent, payload: unknown): Promise<void> {
    try {
      const id = userId(payload);
      if (isUserId(id)) await this.sessions.revokeAllForUser(String(id), { reason });
      else this.#logger.error(`no session ended event=${event}: it names no user id`);
    } catch (error) {
      this.#logger.error(
        `no session ended event=${event}`,
        error instanceof Error ? error.stack : undefined,
      );
    }
  }
}

function isUserId(id: unknown): id is string | number | bigint {
  return typeof id === 'string' || typeof id === 'bigint' || Number.isSafeInteger(id);
}
