import type { Connections, Lease } from './connections.js';
import { DeadlineError, type Deadline } from './deadline.js';

interface Waiter {
  resolve(lease: Lease): void;
  reject(error: unknown): void;
}

/** A connection that was asked for, for whoever waits by the time it is there. */
interface Acquisition {
  waiter: Waiter | null;
  isSettled: boolean;
}

/**
 * Gets connections under a deadline. One that came too late for whoever asked is for who asks next: nothing leaves the queue
 * of a pool while its server hangs, and it must not grow with each request that fails meanwhile.
 */
export class Acquisitions {
  /** Those that nobody waits for, the oldest first. */
  readonly #unclaimed = new Set<Acquisition>();

  constructor(private readonly connections: Connections) {}

  /** @throws DeadlineError */
  async acquire(deadline: Deadline): Promise<Lease> {
    const [unclaimed] = this.#unclaimed;
    const acquisition = unclaimed ?? this.#begin();
    this.#unclaimed.delete(acquisition);
    const acquired = new Promise<Lease>((resolve, reject) => {
      acquisition.waiter = { resolve, reject };
    });
    try {
      return await deadline.race(acquired);
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      acquisition.waiter = null;
      if (acquisition.isSettled) acquired.then(giveBack, () => {});
      else this.#unclaimed.add(acquisition);
      throw new DeadlineError(this.connections.whyNone);
    }
  }

  #begin(): Acquisition {
    const acquisition: Acquisition = { waiter: null, isSettled: false };
    void this.#settle(acquisition);
    return acquisition;
  }

  async #settle(acquisition: Acquisition): Promise<void> {
    const settle = (): Waiter | null => {
      acquisition.isSettled = true;
      this.#unclaimed.delete(acquisition);
      return acquisition.waiter;
    };
    try {
      const lease = await this.connections.acquire();
      const waiter = settle();
      if (waiter === null) giveBack(lease);
      else waiter.resolve(lease);
    } catch (error) {
      settle()?.reject(error);
    }
  }
}

function giveBack(lease: Lease): void {
  void lease.release();
}
