import { EventEmitter } from 'node:events';

import type { PurgeReport } from './session-purge.js';

interface SessionReference {
  readonly sessionId: string;
  readonly userId: string | null;
}

/**
 * What Curfew announces, by name. Payloads carry ids and reasons, never a token or a hash.
 * Events follow the commit of what they announce.
 *
 * `session:revoked` comes once for each session, in the process that ended it or that marks its row. Where sessions were
 * ended together and that process dies between the two, it comes again rather than not at all.
 */
export interface SessionEventMap {
  'session:issued': SessionReference & { readonly policy: string };
  'session:rotated': SessionReference & { readonly generation: number };
  'session:touched': { readonly count: number };
  /** Its data, its expiry or the proof of its user was written. */
  'session:changed': SessionReference;
  'session:expired': SessionReference & { readonly reason: 'idle-expired' | 'absolute-expired' };
  'session:revoked': SessionReference & { readonly reason: string };
  'session:reuse-detected': SessionReference & { readonly generation: number };
  /** A request was refused; `sessionId` where its token named one. */
  'session:denied': {
    readonly sessionId: string | null;
    readonly code: string;
    readonly reason: string;
  };
  /** All sessions of a user were ended at once; `session:revoked` follows for each as its row is marked. */
  'principal:revoked': {
    readonly userId: string;
    readonly reason: string;
    readonly exceptSessionId: string | null;
  };
  /** All sessions were ended at once; `session:revoked` follows for each as its row is marked. */
  'everyone:revoked': { readonly reason: string };
  'purge:completed': PurgeReport;
  'purge:failed': { readonly error: Error };
  'store:unavailable': { readonly error: Error };
  'store:recovered': Record<string, never>;
}

export type SessionEventName = keyof SessionEventMap;
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
    this.#onListenerError = onListenerError;
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
  }
}
