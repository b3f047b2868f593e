import { Injectable, Logger } from '@nestjs/common';
import { OnSessionEvent, type PurgeReport } from 'nestjs-curfew';

/** Writes one line for each run of the purge that deleted something or has something left to do. */
@Injectable()
export class PurgeLog {
  readonly #logger = new Logger('Purge');

  @OnSessionEvent('purge:completed')
  onCompleted({ deleted, byReason, batches, durationMs, more }: PurgeReport): void {
    if (deleted === 0 && !more) return;
    const reasons = Object.entries(byReason).map(([reason, count]) => `${reason}=${count}`);
    this.#logger.log(
      `deleted=${deleted} ${reasons.join(' ')} batches=${batches} durationMs=${Math.round(durationMs)} more=${more}`,
    );
  }

  @OnSessionEvent('purge:failed')
  onFailed({ error }: { readonly error: Error }): void {
    this.#logger.warn(`failed, the next run tries again: ${error.message}`);
  }
}
