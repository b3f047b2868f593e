import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';

import type { SessionEvents } from '../core/session-events.js';
import { describeFailure } from '../jobs/describe-failure.js';

/** Logs what an operator has to know of whatever happens to sessions: an id of a session at most, and never whose it is. */
export class SessionLog implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger('Session');
  #isLosingTouches = false;
  #stops: readonly (() => void)[] = [];

  constructor(private readonly events: SessionEvents) {}

  /** @internal */
  onModuleInit(): void {
    this.#stops = [
      this.events.on('store:unavailable', ({ error }) =>
        this.#logger.error(`event=store:unavailable ${describeFailure(error)}`),
      ),
      this.events.on('store:recovered', () => this.#logger.log('event=store:recovered')),
      this.events.on('session:touches-lost', ({ count }) => this.#onTouchesLost(count)),
      this.events.on('session:touched', () => (this.#isLosingTouches = false)),
      this.events.on('session:reuse-detected', ({ sessionId }) =>
        this.#logger.warn(`event=session:reuse-detected sessionId=${sessionId}`),
      ),
      this.events.on('everyone:revoked', ({ reason }) =>
        this.#logger.warn(`event=everyone:revoked reason=${reason}`),
      ),
    ];
  }

  /** Once a series, which the next flush that succeeds ends: while the database is away there is one a second. */
  #onTouchesLost(count: number): void {
    const line = `event=session:touches-lost count=${count}`;
    if (this.#isLosingTouches) this.#logger.debug(line);
    else this.#logger.warn(line);
    this.#isLosingTouches = true;
  }

  /** @internal After the data source was closed nothing happens any more. */
  onApplicationShutdown(): void {
    for (const stop of this.#stops) stop();
  }
}
