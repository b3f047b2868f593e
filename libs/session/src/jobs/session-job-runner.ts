import type { PurgeReport, SessionPurge } from '../core/session-purge.js';
import type { SessionSweep } from '../invalidation/session-sweep.js';
import type { SessionJob } from './job-payload.js';

/** What a job came to. Kept by the queue with the job, so it holds counts only. */
export interface JobOutcome {
  /** Sessions announced as revoked. */
  readonly announced: number;
  /** `null` for a job that does not purge. */
  readonly report: PurgeReport | null;
}

/** Does what a job says, whatever queue or timer it came from. Doing a job twice is harmless. */
export class SessionJobRunner {
  #purging: Promise<JobOutcome> | undefined;

  constructor(
    private readonly sweep: SessionSweep,
    private readonly purge: SessionPurge,
    private readonly budgetMs: number,
  ) {}

  /** Runs a job. A purge that is asked for while one runs in this process is the same purge. */
  async run(job: SessionJob, signal: AbortSignal): Promise<JobOutcome> {
    if (job.name === 'revoke-user') {
      return { announced: await this.sweep.sweepUser(job.userId, signal), report: null };
    }
    if (job.name === 'revoke-everyone') {
      return { announced: await this.sweep.sweepEveryone(signal), report: null };
    }
    this.#purging ??= this.#sweepAndPurge(signal).finally(() => (this.#purging = undefined));
    return this.#purging;
  }

  async #sweepAndPurge(signal: AbortSignal): Promise<JobOutcome> {
    const [swept] = await Promise.allSettled([this.sweep.sweepStale(signal)]);
    // A sweep that failed must not keep rows from being purged.
    const report = await this.purge.run({ budgetMs: this.budgetMs, signal });
    if (swept.status === 'rejected') throw swept.reason;
    return { announced: swept.value, report };
  }
}

/** Whether a run that left rows should be followed by another at once: not if it could delete none of them. */
export function asksForAnother({ report }: JobOutcome): boolean {
  return report !== null && report.more && report.deleted > 0;
}
