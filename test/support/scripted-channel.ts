import { SessionChannel, type SessionNotice } from '../../libs/session/src/core/session-channel.js';

/** A channel on which a test says what comes from other processes, and how long it may be believed. */
export class ScriptedChannel extends SessionChannel {
  override leaseExpiresAt = Infinity;
  readonly #onNotice = new Set<(notice: SessionNotice) => void>();
  readonly #onGap = new Set<() => void>();

  override publish(notice: SessionNotice): void {
    for (const listener of this.#onNotice) listener(notice);
  }

  override subscribe(listener: (notice: SessionNotice) => void): () => void {
    this.#onNotice.add(listener);
    return () => void this.#onNotice.delete(listener);
  }

  override onGap(listener: () => void): () => void {
    this.#onGap.add(listener);
    return () => void this.#onGap.delete(listener);
  }

  /** Notices may have been missed. */
  gap(): void {
    for (const listener of this.#onGap) listener();
  }
}
