import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';

import type { SessionEvents } from '../core/session-events.js';
import { EVERYONE } from '../core/user-id.js';
import type { SessionJobs } from './session-jobs.js';
import type { SessionWorker } from './session-worker.js';

/**
 * Starts the jobs with the application and stops them before it closes its data sources. In between, every user whose
 * sessions were ended together is handed to the jobs.
 */
export class SessionJobsLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #stopListening: readonly (() => void)[] = [];

  constructor(
    private readonly events: SessionEvents,
    private readonly jobs: SessionJobs,
    private readonly worker: SessionWorker | null = null,
  ) {}

  /** @internal */
  async onApplicationBootstrap(): Promise<void> {
    this.#stopListening = [
      this.events.on('principal:revoked', ({ userId }) => this.jobs.requestSweep(userId)),
      this.events.on('everyone:revoked', () => this.jobs.requestSweep(EVERYONE)),
    ];
    await this.jobs.start();
    await this.worker?.start();
  }

  /** @internal */
  async beforeApplicationShutdown(): Promise<void> {
    for (const stop of this.#stopListening) stop();
    await this.worker?.close();
    await this.jobs.close();
  }
}
