import type { Logger } from '@nestjs/common';

import { describeFailure } from './describe-failure.js';

/** Logs an outage once when it begins and once when it is over, however often it is met in between. */
export class OutageLog {
  #failureCount = 0;

  constructor(
    private readonly logger: Logger,
    private readonly subject: string,
  ) {}

  /** @param consequence what the failure means, for the line in the log. */
  failed(error: unknown, consequence: string): void {
    this.#failureCount += 1;
    const line = `${this.subject} unavailable: ${describeFailure(error)}; ${consequence}`;
    if (this.#failureCount === 1) this.logger.warn(line);
    else this.logger.debug(line);
  }

  succeeded(): void {
    if (this.#failureCount === 0) return;
    this.logger.log(`${this.subject} available again after ${this.#failureCount} failures`);
    this.#failureCount = 0;
  }
}
