import {
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';

import { minutes } from '../core/duration.js';
import { HEALTH_WARNINGS, type SessionHealthWarning } from './health-warnings.js';
import type { SessionHealthIndicator } from './session-health.indicator.js';

/** Time between two looks, and between the start of the process and the first: workers may start later. */
const LOOK_EVERY_MS = minutes(1);

/** Logs each warning of the health once when it begins and once when it is over, whether or not anyone asks for it. */
export class SessionHealthWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('SessionHealth');
  #warnings: readonly SessionHealthWarning[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(private readonly health: Pick<SessionHealthIndicator, 'check'>) {}

  /** @internal */
  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** @internal */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** @internal Looks once; while a look is under way, that one. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { session } = await this.health.check('session');
    // While the database is away nobody knows of the others; that it is away is logged by itself.
    if (session.status === 'down') return;
    for (const name of session.warnings) {
      if (!this.#warnings.includes(name))
        this.#logger.warn(`warning=${name}: ${HEALTH_WARNINGS[name]}`);
    }
    for (const name of this.#warnings) {
      if (!session.warnings.includes(name)) this.#logger.log(`warning=${name} is over`);
    }
    this.#warnings = session.warnings;
  }
}
