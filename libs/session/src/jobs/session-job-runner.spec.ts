import { describe, expect, it } from '@jest/globals';

import { SessionError } from '../core/errors.js';
import { SessionEvents } from '../core/session-events.js';
import { SessionPurge, type PurgeOptions, type PurgeReport } from '../core/session-purge.js';
import { SessionSweep } from '../invalidation/session-sweep.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { asksForAnother, SessionJobRunner } from './session-job-runner.js';

const REPORT: PurgeReport = {
  deleted: 3,
  byReason: {},
  batches: 1,
  durationMs: 1,
  slowestStatementMs: 1,
  more: false,
  oldestOverdueMs: 0,
  strategy: 'index',
};

class ScriptedPurge extends SessionPurge {
  readonly runs: PurgeOptions[] = [];
  finish: () => void = () => {};

  async run(options: PurgeOptions = {}): Promise<PurgeReport> {
    this.runs.push(options);
    await new Promise<void>((resolve) => (this.finish = resolve));
    return REPORT;
  }
}

class ScriptedSweep extends SessionSweep {
  readonly calls: (string | null)[] = [];
  failure: Error | undefined;

  constructor() {
    super(new MemorySessionStore(), new SessionEvents());
  }

  override async sweepUser(userId: string): Promise<number> {
    this.calls.push(userId);
    return 1;
  }

  override async sweepStale(): Promise<number> {
    this.calls.push(null);
    if (this.failure !== undefined) throw this.failure;
    return 2;
  }
}

function arrange() {
  const sweep = new ScriptedSweep();
  const purge = new ScriptedPurge();
  return { sweep, purge, runner: new SessionJobRunner(sweep, purge, 5000) };
}

const { signal } = new AbortController();
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('SessionJobRunner', () => {
  it('sweeps one user for revoke-user', async () => {
    const { sweep, purge, runner } = arrange();

    expect(await runner.run({ name: 'revoke-user', userId: 'ann' }, signal)).toEqual({
      announced: 1,
      report: null,
    });
    expect(sweep.calls).toEqual(['ann']);
    expect(purge.runs).toEqual([]);
  });

  it('sweeps everyone for revoke-everyone', async () => {
    const { sweep, purge, runner } = arrange();

    expect(await runner.run({ name: 'revoke-everyone' }, signal)).toEqual({
      announced: 1,
      report: null,
    });
    expect(sweep.calls).toEqual(['*']);
    expect(purge.runs).toEqual([]);
  });

  it('sweeps whoever is left and then purges within the budget for purge', async () => {
    const { sweep, purge, runner } = arrange();
    const run = runner.run({ name: 'purge' }, signal);
    await nextTurn();
    purge.finish();

    expect(await run).toEqual({ announced: 2, report: REPORT });
    expect(sweep.calls).toEqual([null]);
    expect(purge.runs).toEqual([{ budgetMs: 5000, signal }]);
  });

  it('purges although the sweep failed, and fails in the end', async () => {
    const { sweep, purge, runner } = arrange();
    sweep.failure = new SessionError('SESSION_STORE_UNAVAILABLE', 'down');
    const run = runner.run({ name: 'purge' }, signal);
    await nextTurn();
    purge.finish();

    await expect(run).rejects.toBe(sweep.failure);
    expect(purge.runs).toHaveLength(1);
  });

  it('runs one purge at a time', async () => {
    const { purge, runner } = arrange();
    const runs = [runner.run({ name: 'purge' }, signal), runner.run({ name: 'purge' }, signal)];
    await nextTurn();
    purge.finish();
    await Promise.all(runs);
    expect(purge.runs).toHaveLength(1);

    const later = runner.run({ name: 'purge' }, signal);
    await nextTurn();
    purge.finish();
    await later;
    expect(purge.runs).toHaveLength(2);
  });

  it('sweeps a user while a purge runs', async () => {
    const { purge, runner } = arrange();
    const purging = runner.run({ name: 'purge' }, signal);
    await nextTurn();

    expect(await runner.run({ name: 'revoke-user', userId: 'ann' }, signal)).toMatchObject({
      announced: 1,
    });
    purge.finish();
    await purging;
  });
});

describe('asksForAnother', () => {
  it('asks for another run when rows were left', () => {
    expect(asksForAnother({ announced: 0, report: { ...REPORT, more: true } })).toBe(true);
  });

  it('does not when none were left, none could be deleted, or nothing was purged', () => {
    expect(asksForAnother({ announced: 0, report: REPORT })).toBe(false);
    expect(asksForAnother({ announced: 0, report: { ...REPORT, more: true, deleted: 0 } })).toBe(
      false,
    );
    expect(asksForAnother({ announced: 5, report: null })).toBe(false);
  });
});
