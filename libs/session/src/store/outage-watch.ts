import type { SessionError } from '../core/errors.js';
import type { SessionEvents } from '../core/session-events.js';
import { driverFailureOf } from './store-failure.js';

/** Tells when the database is first found out of reach, and when it first answers again: once each, not for every call. */
export class OutageWatch {
  #isOut = false;

  constructor(private readonly events: SessionEvents | null) {}

  answered(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    this.events?.emit('store:recovered', {});
  }

  /** A statement that lost to another one, or that the database refused, is an answer too. */
  failed(error: SessionError): void {
    if (driverFailureOf(error)?.isOutage !== true) return this.answered();
    if (this.#isOut) return;
    this.#isOut = true;
    this.events?.emit('store:unavailable', { error });
  }
}
