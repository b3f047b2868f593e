import type { Clock } from './clock.js';
import type { SessionStore, Touch } from './session-store.js';

type Activity = Omit<Touch, 'ageMs'>;

interface PendingTouch {
  readonly activity: Activity;
  readonly seenAt: number;
}

/** How many touches were written, or that none of a number was. */
export type FlushOutcome = { readonly count: number } | { readonly lostCount: number };

/** Most touches in one statement. */
const MAX_BATCH = 500;

/** Most statements at once: one is prepared and one waits for its commit while the rows of the third are written. */
const MAX_WRITES = 3;

/**
 * Collects touches and writes them together, the latest of each session. A crash loses at most `flushMs` of activity,
 * which ends an idle session early and never late.
 */
export class TouchBuffer {
  readonly #pending = new Map<string, PendingTouch>();
  readonly #store: SessionStore;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #onFlush: (outcome: FlushOutcome) => void;
  #timer: NodeJS.Timeout | undefined;
  /** What is under way, oldest first: each begins when the one `MAX_WRITES` before it has ended. */
  #writing: Promise<void>[] = [];

  /** @param clock measures how long a touch has waited; the store says when now is. */
  constructor(
    store: SessionStore,
    clock: Clock,
    flushMs: number,
    onFlush: (outcome: FlushOutcome) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#flushMs = flushMs;
    this.#onFlush = onFlush;
  }

  add(activity: Activity): void {
    this.#pending.set(activity.id, { activity, seenAt: this.#clock.now() });
    if (this.#pending.size >= MAX_BATCH) {
      void this.flush();
    } else {
      this.#timer ??= setTimeout(() => void this.flush(), this.#flushMs).unref();
    }
  }

  /** Writes what is pending. Never rejects: a touch that is lost only ends an idle session early. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = [...this.#pending.values()];
    this.#pending.clear();
    if (batch.length > 0) {
      const before = this.#writing.at(-MAX_WRITES) ?? Promise.resolve();
      this.#writing = [
        ...this.#writing.slice(1 - MAX_WRITES),
        before.then(() => this.#write(batch)),
      ];
    }
    await Promise.all(this.#writing);
  }

  async #write(batch: readonly PendingTouch[]): Promise<void> {
    const now = this.#clock.now();
    // A clock that was set back meanwhile must not date activity into the future.
    const touches = batch.map(({ activity, seenAt }) => ({
      ...activity,
      ageMs: Math.max(0, now - seenAt),
    }));
    try {
      this.#onFlush({ count: await this.#store.touch(touches) });
    } catch {
      // What was wrong with the store, it announces itself.
      this.#onFlush({ lostCount: touches.length });
    }
  }
}
