import { Logger } from '@nestjs/common';

import type { SessionNotice } from '../core/session-channel.js';

/** Who listens in this process. A listener that throws changes nothing for whoever publishes, or for its neighbours. */
export class ChannelListeners {
  readonly #logger = new Logger('SessionChannel');
  readonly #onNotice = new Set<(notice: SessionNotice) => void>();
  readonly #onGap = new Set<() => void>();

  subscribe(listener: (notice: SessionNotice) => void): () => void {
    const own = (notice: SessionNotice): void => listener(notice);
    this.#onNotice.add(own);
    return () => void this.#onNotice.delete(own);
  }

  onGap(listener: () => void): () => void {
    const own = (): void => listener();
    this.#onGap.add(own);
    return () => void this.#onGap.delete(own);
  }

  deliver(notice: SessionNotice): void {
    for (const listener of this.#onNotice) this.#isolate(() => listener(notice));
  }

  gap(): void {
    for (const listener of this.#onGap) this.#isolate(listener);
  }

  #isolate(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error('listener failed', error instanceof Error ? error.stack : undefined);
    }
  }
}
