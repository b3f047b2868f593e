import { SessionChannel, type SessionNotice } from '../core/session-channel.js';
import { ChannelListeners } from './channel-listeners.js';

/** For a deployment of one process: what it publishes it hears, and there is nothing else to miss. */
export class LocalChannel extends SessionChannel {
  readonly #listeners = new ChannelListeners();

  override get leaseExpiresAt(): number {
    return Infinity;
  }

  override publish(notice: SessionNotice): void {
    this.#listeners.deliver(notice);
  }

  override subscribe(listener: (notice: SessionNotice) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  override onGap(listener: () => void): () => void {
    return this.#listeners.onGap(listener);
  }
}
