import assert from 'node:assert/strict';

import { isSessionError } from '../../libs/session/src/core/errors.js';
import type { ActiveSession } from '../../libs/session/src/core/session-resolution.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import type { SessionWork } from '../../libs/session/src/core/session-work.js';
import type { SessionSweep } from '../../libs/session/src/invalidation/session-sweep.js';
import type { FakeClock } from '../../libs/session/src/testing/fake-clock.js';

export const IDLE_MS = 10_000;
export const ABSOLUTE_MS = 60_000;
export const GRACE_MS = 3_000;

/** Where the requests of the model come from. */
export const CLIENT = { ip: null, userAgent: null };

/** What the model knows of a session: the least that says how it must behave. */
export interface ModelSession {
  readonly id: string;
  readonly userId: string | null;
  readonly createdAt: number;
  seenAt: number;
  ended: boolean;
  /** Every token it ever had, the newest last; whether each follows from the one before it. */
  readonly tokens: { readonly token: string; readonly derived: boolean }[];
  rotatedAt: number;
  data: Record<string, unknown>;
}

/** A request that has resolved its session and not committed yet. */
export interface ModelRequest {
  readonly session: ModelSession;
  readonly generation: number;
}

export interface Model {
  now: number;
  readonly sessions: ModelSession[];
  readonly requests: ModelRequest[];
}

/** The real thing beside the model. */
export interface Real {
  readonly service: SessionService;
  readonly sweep: SessionSweep;
  readonly clock: FakeClock;
  /** The live sessions that requests under way have resolved, in the order of the model's requests. */
  readonly requests: ActiveSession[];
  /** Ids of `session:revoked` so far. */
  readonly announced: string[];
  /** Makes user ids of this run, so that runs share a database. */
  readonly userId: (name: string) => string;
}

export function isLive(model: Model, session: ModelSession): boolean {
  return (
    !session.ended &&
    model.now < session.createdAt + ABSOLUTE_MS &&
    model.now < session.seenAt + IDLE_MS
  );
}

export function pick<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  assert.ok(item !== undefined);
  return item;
}

export function newestToken(session: ModelSession): string {
  const newest = session.tokens.at(-1);
  assert.ok(newest !== undefined);
  return newest.token;
}

export function work(current: ActiveSession, parts: Partial<SessionWork>): SessionWork {
  return {
    current,
    client: CLIENT,
    data: null,
    updates: [],
    signIn: null,
    rotation: null,
    expiry: {},
    authenticated: null,
    ...parts,
  };
}

/** Runs a commit that must be refused exactly if the session is no longer live. */
export async function commits(
  live: boolean,
  commit: Promise<{ token: string | null }>,
): Promise<{ token: string | null } | undefined> {
  try {
    const outcome = await commit;
    assert.ok(live, 'a session that had ended was written');
    return outcome;
  } catch (error) {
    if (!isSessionError(error, 'SESSION_ENDED')) throw error;
    assert.ok(!live, 'a live session was taken for ended');
    return undefined;
  }
}

export function register(
  model: Model,
  userId: string | null,
  id: string,
  token: string,
): ModelSession {
  const session: ModelSession = {
    id,
    userId,
    createdAt: model.now,
    seenAt: model.now,
    ended: false,
    tokens: [{ token, derived: false }],
    rotatedAt: model.now,
    data: {},
  };
  model.sessions.push(session);
  return session;
}

/** After all commands: every session is what the model says, and each end was announced once at most. */
export async function assertAgreement(model: Model, real: Real): Promise<void> {
  await real.sweep.sweepStale();
  for (const session of model.sessions) {
    const found = await real.service.find(session.id);
    assert.equal(found !== undefined, isLive(model, session), `session ${session.id}`);
    const announcements = real.announced.filter((id) => id === session.id).length;
    assert.ok(announcements <= 1, 'an end was announced twice');
    if (isLive(model, session)) assert.equal(announcements, 0, 'a live session was announced');
  }
}
