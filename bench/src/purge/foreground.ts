import type { SessionService } from 'nestjs-curfew';

import { percentile } from '../statistics.js';

/** What users noticed, in milliseconds. */
export interface ForegroundReport {
  readonly resolves: number;
  readonly resolveP99Ms: number;
  readonly logins: number;
  readonly loginP99Ms: number;
}

const SESSIONS = 500;
const RESOLVE_EVERY_MS = 4;
const LOGIN_EVERY_MS = 40;

/**
 * Users who come at their own pace, whatever the database does: 250 resolves and 25 logins a second. A latency begins when
 * the user came, so that one who had to wait for a process that was busy counts as well.
 */
export class Foreground {
  #tokens: string[] = [];
  #stop = (): void => {};
  #under: Promise<readonly number[]>[] = [];

  constructor(private readonly sessions: SessionService) {}

  /** Signs in the sessions that are to be resolved. */
  async prepare(): Promise<void> {
    for (let index = 0; index < SESSIONS; index += 1) this.#tokens.push(await this.#login(index));
  }

  start(): void {
    let isStopped = false;
    this.#stop = () => {
      isStopped = true;
    };
    const at = (everyMs: number, work: (turn: number) => Promise<unknown>) =>
      arrivals(everyMs, work, () => isStopped);
    this.#under = [
      at(RESOLVE_EVERY_MS, (turn) => this.#resolve(turn)),
      at(LOGIN_EVERY_MS, (turn) => this.#login(turn)),
    ];
  }

  async stop(): Promise<ForegroundReport> {
    this.#stop();
    const [resolves = [], logins = []] = await Promise.all(this.#under);
    return {
      resolves: resolves.length,
      resolveP99Ms: percentile(resolves, 0.99),
      logins: logins.length,
      loginP99Ms: percentile(logins, 0.99),
    };
  }

  async #resolve(turn: number): Promise<void> {
    const { status } = await this.sessions.resolve(this.#tokens[(turn * 7) % SESSIONS]);
    if (status !== 'active') throw new Error(`Expected a live session, got one that is ${status}.`);
  }

  async #login(turn: number): Promise<string> {
    const { token } = await this.sessions.issue({ userId: `user-${turn}` });
    return token;
  }
}

/** Calls `work` at equal distances of time, without waiting for it. @returns how long after its time each was done */
async function arrivals(
  everyMs: number,
  work: (turn: number) => Promise<unknown>,
  isStopped: () => boolean,
): Promise<readonly number[]> {
  const startedAt = performance.now();
  const underway: Promise<number>[] = [];
  for (let turn = 0; !isStopped(); turn += 1) {
    const dueAt = startedAt + turn * everyMs;
    await until(dueAt);
    underway.push(work(turn).then(() => performance.now() - dueAt));
  }
  return Promise.all(underway);
}

async function until(instant: number): Promise<void> {
  const waitMs = instant - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
