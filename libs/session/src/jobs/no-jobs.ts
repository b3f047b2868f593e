import { Logger } from '@nestjs/common';

import { SessionJobs } from './session-jobs.js';

/** For a process that neither purges nor asks for it. A worker must run elsewhere, or ended rows stay in the table. */
export class NoJobs extends SessionJobs {
  readonly #logger = new Logger('SessionJobs');

  override requestSweep(_userId: string): void {
    // Left to the recurring purge of a worker.
  }

  override async start(): Promise<void> {
    this.#logger.warn(
      'jobs.driver=none: this process purges nothing and asks nobody to; run a SessionWorkerModule in another',
    );
  }

  override async close(): Promise<void> {
    // Nothing was started.
  }
}
