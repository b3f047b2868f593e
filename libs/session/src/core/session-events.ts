import { EventEmitter } from 'node:events';

import { diagnostics } from './session-diagnostics.js';
import type { SessionEventMap, SessionEventName } from './session-event-map.js';

export type { SessionEventMap, SessionEventName };

export type SessionEventListener<Name extends SessionEventName> = (
  event: SessionEventMap[Name],
) => unknown;

/**
 * Delivers events to listeners inside the process. Nothing waits for a listener, and one that throws, rejects or hangs
 * changes nothing for the emitter or for its neighbours; its failure goes to `onListenerError`.
 */
export class SessionEvents {
  readonly #emitter = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  readonly #onListenerError: (event: SessionEventName, error: unknown) => void;

  constructor(onListenerError: (event: SessionEventName, error: unknown) => void = () => {}) {
    this.#onListenerError = (name, error) => {
      const channel = diagnostics['curfew:listener-failed'];
      if (channel.hasSubscribers) channel.publish({ name });
      onListenerError(name, error);
    };
  }

  /** Calls `listener` for each event of that name. @returns a function that stops it. */
  on<Name extends SessionEventName>(name: Name, listener: SessionEventListener<Name>): () => void {
    const isolated = (event: SessionEventMap[Name]): void => {
      try {
        Promise.resolve(listener(event)).catch((error: unknown) =>
          this.#onListenerError(name, error),
        );
      } catch (error) {
        this.#onListenerError(name, error);
      }
    };
    this.#emitter.on(name, isolated);
    return () => void this.#emitter.off(name, isolated);
  }

  /** Whether anybody listens to events of that name. */
  isHeard(name: SessionEventName): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  emit<Name extends SessionEventName>(name: Name, event: SessionEventMap[Name]): void {
    this.#emitter.emit(name, event);
    const channel = diagnostics['curfew:event'];
    if (channel.hasSubscribers) channel.publish({ name, event });
  }
}
