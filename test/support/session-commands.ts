import assert from 'node:assert/strict';

import fc from 'fast-check';

import { parseData, type SessionDataRecord } from '../../libs/session/src/core/session-data.js';
import type { ActiveSession } from '../../libs/session/src/core/session-resolution.js';
import type { SessionWork } from '../../libs/session/src/core/session-work.js';
import {
  CLIENT,
  commits,
  GRACE_MS,
  isLive,
  newestToken,
  pick,
  register,
  work,
  type Model,
  type ModelRequest,
  type Real,
} from './session-model.js';

type Command = fc.AsyncCommand<Model, Real>;

const USERS = ['ada', 'bob'];

class Issue implements Command {
  constructor(private readonly user: number) {}
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const name = [null, ...USERS][this.user] ?? null;
    const userId = name === null ? null : real.userId(name);
    const { token, session } = await real.service.issue({ userId });
    register(model, userId, session.id, token);
  }
  toString = (): string => `Issue(${this.user})`;
}

/** Presents one of the tokens that a session ever had. */
class Present implements Command {
  constructor(
    private readonly index: number,
    private readonly age: number,
  ) {}
  check = ({ sessions }: Readonly<Model>): boolean => sessions.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const session = pick(model.sessions, this.index);
    const age = Math.min(this.age, session.tokens.length - 1);
    const position = session.tokens.length - 1 - age;
    const presented = session.tokens[position];
    assert.ok(presented !== undefined);
    const wasLive = isLive(model, session);
    const resolution = await real.service.resolve(presented.token);
    const inGrace = model.now - session.rotatedAt < GRACE_MS;
    const follows = age === 1 && session.tokens.at(-1)?.derived === true;
    if (wasLive && age > 0 && !inGrace) {
      session.ended = true;
      assert.equal(resolution.status, 'revoked');
    } else if (wasLive && age > 0 && !follows) {
      assert.equal(resolution.status, 'superseded');
    } else if (wasLive) {
      assert.ok(resolution.status === 'active');
      assert.equal(resolution.successor, age === 0 ? null : newestToken(session));
      assert.deepEqual({ ...parseData(resolution.record.data) }, session.data);
    } else {
      assert.notEqual(resolution.status, 'active');
    }
  }
  toString = (): string => `Present(${this.index}, ${this.age})`;
}

/** A request begins: it resolves its session and will commit later. */
class Begin implements Command {
  constructor(private readonly index: number) {}
  check = (model: Readonly<Model>): boolean =>
    model.sessions.some((session) => isLive(model, session));
  async run(model: Model, real: Real): Promise<void> {
    const live = model.sessions.filter((session) => isLive(model, session));
    const session = pick(live, this.index);
    const resolution = await real.service.resolve(newestToken(session));
    assert.ok(resolution.status === 'active');
    model.requests.push({ session, generation: session.tokens.length });
    real.requests.push(resolution);
  }
  toString = (): string => `Begin(${this.index})`;
}

/** A request ends, however long after it began. Subclasses say with what. */
abstract class Finish implements Command {
  constructor(protected readonly index: number) {}
  check = ({ requests }: Readonly<Model>): boolean => requests.length > 0;
  run(model: Model, real: Real): Promise<void> {
    const at = this.index % model.requests.length;
    const [request] = model.requests.splice(at, 1);
    const [current] = real.requests.splice(at, 1);
    assert.ok(request !== undefined && current !== undefined);
    return this.finish(model, real, request, current);
  }
  protected abstract finish(
    model: Model,
    real: Real,
    request: ModelRequest,
    current: ActiveSession,
  ): Promise<void>;
  toString = (): string => `${this.constructor.name}(${this.index})`;
}

class FinishSet extends Finish {
  constructor(
    index: number,
    private readonly key: string,
    private readonly value: number,
  ) {
    super(index);
  }
  protected async finish(
    model: Model,
    real: Real,
    { session }: ModelRequest,
    current: ActiveSession,
  ): Promise<void> {
    const before = parseData(current.record.data);
    const after: SessionDataRecord = Object.assign(parseData(current.record.data), {
      [this.key]: this.value,
    });
    if (before[this.key] === this.value) return;
    const live = isLive(model, session);
    await commits(live, real.service.commit(work(current, { data: { before, after } })));
    if (live) session.data = { ...session.data, [this.key]: this.value };
  }
}

class FinishIncrement extends Finish {
  protected async finish(
    model: Model,
    real: Real,
    { session }: ModelRequest,
    current: ActiveSession,
  ): Promise<void> {
    const live = isLive(model, session);
    const apply = (count: unknown): number => (typeof count === 'number' ? count : 0) + 1;
    const updates = [{ key: 'count', apply }];
    await commits(live, real.service.commit(work(current, { updates })));
    if (live) session.data = { ...session.data, count: apply(session.data['count']) };
  }
}

class FinishRotate extends Finish {
  constructor(
    index: number,
    private readonly rotation: 'due' | 'now',
  ) {
    super(index);
  }
  protected async finish(
    model: Model,
    real: Real,
    { session, generation }: ModelRequest,
    current: ActiveSession,
  ): Promise<void> {
    const live = isLive(model, session);
    const parts: Partial<SessionWork> =
      this.rotation === 'now'
        ? { rotation: 'now', authenticated: { aal: 2, amr: null } }
        : { rotation: 'due' };
    const outcome = await commits(live, real.service.commit(work(current, parts)));
    if (outcome === undefined) return;
    const since = session.tokens.slice(generation);
    // Of the rotations that came first, only a single one by a change of privilege does for another such change.
    const isOutdone = since.length === 1 && since[0]?.derived === false;
    if (since.length === 0 || (this.rotation === 'now' && !isOutdone)) {
      assert.ok(outcome.token !== null);
      session.tokens.push({ token: outcome.token, derived: this.rotation === 'due' });
      session.rotatedAt = model.now;
      return;
    }
    assert.ok(outcome.token === null || outcome.token === newestToken(session));
  }
  override toString = (): string => `FinishRotate(${this.index}, ${this.rotation})`;
}

class FinishSignIn extends Finish {
  constructor(
    index: number,
    private readonly user: number,
  ) {
    super(index);
  }
  protected async finish(
    model: Model,
    real: Real,
    { session }: ModelRequest,
    current: ActiveSession,
  ): Promise<void> {
    const userId = real.userId(pick(USERS, this.user));
    const live = isLive(model, session);
    const outcome = await real.service.commit(work(current, { signIn: { userId, options: {} } }));
    assert.ok(outcome.token !== null && outcome.record !== null);
    const issued = register(model, userId, outcome.record.session.id, outcome.token);
    const carries = live && (session.userId === null || session.userId === userId);
    if (carries) issued.data = { ...session.data };
    session.ended = true;
  }
  override toString = (): string => `FinishSignIn(${this.index}, ${this.user})`;
}

class FinishTouch extends Finish {
  protected async finish(
    model: Model,
    real: Real,
    { session }: ModelRequest,
    current: ActiveSession,
  ): Promise<void> {
    const live = isLive(model, session);
    real.service.touch(current, CLIENT);
    await real.service.flushTouches();
    // The store counts from the activity, some real milliseconds before; the fake clock moves by 500 at least.
    if (live) session.seenAt = model.now;
  }
}

class Revoke implements Command {
  constructor(private readonly index: number) {}
  check = ({ sessions }: Readonly<Model>): boolean => sessions.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const session = pick(model.sessions, this.index);
    const live = isLive(model, session);
    const other = await real.service.revoke(session.id, { userId: real.userId('nobody') });
    assert.equal(other, false);
    assert.equal(await real.service.revoke(session.id, { reason: 'signed-out' }), live);
    session.ended = true;
  }
  toString = (): string => `Revoke(${this.index})`;
}

class RevokeAll implements Command {
  constructor(
    private readonly user: number,
    private readonly except: number | null,
  ) {}
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const userId = real.userId(pick(USERS, this.user));
    const own = model.sessions.filter((session) => session.userId === userId);
    const kept = this.except === null || own.length === 0 ? undefined : pick(own, this.except);
    const reason = 'password-changed';
    await real.service.revokeAllForUser(userId, {
      reason,
      ...(kept === undefined ? {} : { except: kept.id }),
    });
    for (const session of own) {
      if (session !== kept || !isLive(model, session)) session.ended = true;
    }
  }
  toString = (): string => `RevokeAll(${this.user}, ${this.except})`;
}

class Wait implements Command {
  constructor(private readonly ms: number) {}
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    model.now += this.ms;
    real.clock.advance(this.ms);
  }
  toString = (): string => `Wait(${this.ms})`;
}

class Purge implements Command {
  check = (): boolean => true;
  async run(_model: Model, real: Real): Promise<void> {
    await real.sweep.sweepStale();
    await real.service.purge();
  }
  toString = (): string => 'Purge';
}

/** Every command, with its arguments drawn at random. */
export const sessionCommands = [
  fc.nat(2).map((user) => new Issue(user)),
  fc.tuple(fc.nat(20), fc.nat(2)).map(([index, age]) => new Present(index, age)),
  fc.nat(20).map((index) => new Begin(index)),
  fc.nat(20).map((index) => new Begin(index)),
  fc
    .tuple(fc.nat(20), fc.constantFrom('a', 'b', 'c'), fc.nat(3))
    .map(([index, key, value]) => new FinishSet(index, key, value)),
  fc.nat(20).map((index) => new FinishIncrement(index)),
  fc
    .tuple(fc.nat(20), fc.constantFrom('due' as const, 'now' as const))
    .map(([index, rotation]) => new FinishRotate(index, rotation)),
  fc.tuple(fc.nat(20), fc.nat(1)).map(([index, user]) => new FinishSignIn(index, user)),
  fc.nat(20).map((index) => new FinishTouch(index)),
  fc.nat(20).map((index) => new Revoke(index)),
  fc.tuple(fc.nat(1), fc.option(fc.nat(5))).map(([user, except]) => new RevokeAll(user, except)),
  fc.constantFrom(500, 2_000, 4_000, 11_000).map((ms) => new Wait(ms)),
  fc.constant(new Purge()),
];
