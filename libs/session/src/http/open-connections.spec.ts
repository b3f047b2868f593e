import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { skewedDate } from '../../../../test/support/skewed-date.js';
import { LocalChannel } from '../channel/local-channel.js';
import type { SessionNotice } from '../core/session-channel.js';
import { days } from '../core/duration.js';
import { SessionError } from '../core/errors.js';
import type { Resolution } from '../core/session-resolution.js';
import type { Session } from '../core/session.js';
import { Turnstile } from '../../../../test/support/turnstile.js';
import { until } from '../../../../test/support/until.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { OpenConnections } from './open-connections.js';

const session = { id: 's1', userId: 'ann' } as Session;
const record = { session };
const active = { status: 'active', record } as Resolution;
const revoked = { status: 'revoked', reason: 'signed-out', record } as Resolution;
const superseded = { status: 'superseded', record, reused: false } as Resolution;

/** A channel that a test makes lose notices. */
class Channel extends LocalChannel {
  #gap = (): void => {};
  override onGap(listener: () => void): () => void {
    this.#gap = listener;
    return () => {};
  }
  lose(): void {
    this.#gap();
  }
}

/** A connection whose look-ups answer what a test says. */
class Connection {
  looks = 0;
  readonly closed: Resolution[] = [];
  answer: () => Promise<Resolution>;

  constructor(first: Resolution = active) {
    this.answer = async () => first;
  }

  async resolve(): Promise<Resolution> {
    this.looks += 1;
    return this.answer();
  }

  close(ended: Resolution): void {
    this.closed.push(ended);
  }
}

const machine = skewedDate();

describe('open connections', () => {
  let channel: Channel;
  let connections: OpenConnections;

  /** The shortest idle timeout says how often connections are looked at. */
  function watchOver(idleTimeoutMs: number): OpenConnections {
    const policies = { default: { idleTimeoutMs, absoluteTimeoutMs: 1e9, persistent: false } };
    const watching = new OpenConnections(channel, {
      policies,
    } as unknown as ResolvedSessionOptions);
    watching.onModuleInit();
    return watching;
  }

  const turns = async (): Promise<void> => {
    for (let count = 0; count < 5; count += 1)
      await new Promise((resolve) => setImmediate(resolve));
  };

  async function opened(first?: Resolution): Promise<Connection> {
    const connection = new Connection(first);
    connections.open(connection);
    await until(() => connection.looks === 1);
    await turns();
    return connection;
  }

  beforeEach(() => {
    channel = new Channel();
    connections = watchOver(1e9);
  });

  afterEach(() => connections.onApplicationShutdown());

  it.each<SessionNotice>([
    { kind: 'session', sessionId: 's1' },
    { kind: 'principal', userId: 'ann' },
    { kind: 'everyone' },
  ])('are closed after a notice of kind $kind, if the store says so', async (notice) => {
    const connection = await opened();
    channel.publish(notice);
    await until(() => connection.looks === 2);
    await turns();
    expect(connection.closed).toEqual([]);
    connection.answer = async () => revoked;
    channel.publish(notice);
    await until(() => connection.closed.length > 0);
    expect(connection.closed).toEqual([revoked]);
    expect(connections.size).toBe(0);
  });

  it('are not looked at for the sake of others, nor for a change of data', async () => {
    const connection = await opened();
    channel.publish({ kind: 'session', sessionId: 's2' });
    channel.publish({ kind: 'principal', userId: 'bob' });
    channel.publish({ kind: 'session', sessionId: 's1', isLive: true });
    await turns();
    expect(connection.looks).toBe(1);
  });

  it('are looked at once for notices that come together', async () => {
    const connection = await opened();
    for (let count = 0; count < 1000; count += 1) channel.publish({ kind: 'everyone' });
    await until(() => connection.looks === 2);
    await turns();
    expect(connection.looks).toBe(2);
  });

  it('are looked at again where a notice comes during a look', async () => {
    const connection = await opened();
    const turnstile = new Turnstile();
    connection.answer = async () => {
      await turnstile.pass();
      return active;
    };
    channel.publish({ kind: 'principal', userId: 'ann' });
    await turnstile.entered;
    connection.answer = async () => revoked;
    channel.publish({ kind: 'principal', userId: 'ann' });
    turnstile.open();
    await until(() => connection.closed.length > 0);
    expect(connection.looks).toBe(3);
  });

  it('are all looked at when notices may have been lost', async () => {
    const connection = await opened();
    connection.answer = async () => revoked;
    channel.lose();
    await until(() => connection.closed.length > 0);
    expect(connection.closed).toEqual([revoked]);
  });

  it('are closed where the session ended between the handshake and the first look', async () => {
    const connection = new Connection();
    const turnstile = new Turnstile();
    connection.answer = async () => {
      await turnstile.pass();
      return revoked;
    };
    connections.open(connection);
    await turnstile.entered;
    channel.publish({ kind: 'principal', userId: 'ann' });
    turnstile.open();
    await until(() => connection.closed.length > 0);
    expect(connection.closed).toEqual([revoked]);
  });

  it('stay open as visitors where their session was over before', async () => {
    const connection = await opened(revoked);
    channel.lose();
    channel.publish({ kind: 'session', sessionId: 's2' });
    await turns();
    expect(connection.closed).toEqual([]);
    expect(connections.size).toBe(1);
  });

  it('are closed where a newer token is out, so that the client comes back with that one', async () => {
    const connection = await opened(superseded);
    expect(connection.closed).toEqual([superseded]);
  });

  it('are not kept where their token is none', async () => {
    const connection = await opened({ status: 'malformed' });
    expect(connections.size).toBe(0);
    expect(connection.closed).toEqual([]);
  });

  it('stay open while the store is down, and are looked at when it is back', async () => {
    const connection = await opened();
    connection.answer = async () => {
      throw new SessionError('SESSION_STORE_UNAVAILABLE', 'down');
    };
    channel.publish({ kind: 'everyone' });
    await until(() => connection.looks === 2);
    await turns();
    expect(connection.closed).toEqual([]);
    connection.answer = async () => revoked;
    await until(() => connection.closed.length > 0);
    expect(connection.looks).toBe(3);
  });

  it('are looked at now and then, without any notice', async () => {
    connections.onApplicationShutdown();
    connections = watchOver(200);
    const connection = await opened();
    await until(() => connection.looks >= 3);
    connection.answer = async () => ({ status: 'idle-expired', record }) as Resolution;
    await until(() => connection.closed.length > 0);
    expect(connection.closed).toMatchObject([{ status: 'idle-expired' }]);
  });

  it.each([
    ['back', -days(1)],
    ['forward', days(1)],
  ])(
    "are looked at no later and no earlier where the machine's clock is set %s",
    async (_way, skewMs) => {
      connections.onApplicationShutdown();
      connections = watchOver(1000);
      const openedAt = performance.now();
      const connection = await opened();
      machine.setSkew(skewMs);
      await until(() => connection.looks === 2);
      machine.setSkew(0);
      // The first of the two moments at which a look may be due: half the idle timeout, less a quarter.
      expect(performance.now() - openedAt).toBeGreaterThanOrEqual(375);
    },
  );

  it('are spread over the time between two looks', async () => {
    connections.onApplicationShutdown();
    connections = watchOver(2000);
    const many = Array.from({ length: 100 }, () => new Connection());
    for (const connection of many) connections.open(connection);
    await until(() => many.every(({ looks }) => looks === 1));
    const turnsTaken = new Set<number>();
    await until(() => {
      turnsTaken.add(many.filter(({ looks }) => looks > 1).length);
      return many.every(({ looks }) => looks > 1);
    });
    expect(turnsTaken.size).toBeGreaterThan(2);
  });

  it('are forgotten when they close, also during a look', async () => {
    const connection = new Connection();
    const turnstile = new Turnstile();
    connection.answer = async () => {
      await turnstile.pass();
      return active;
    };
    const forget = connections.open(connection);
    await turnstile.entered;
    forget();
    turnstile.open();
    await turns();
    expect(connections.size).toBe(0);
    channel.publish({ kind: 'everyone' });
    await turns();
    expect(connection.looks).toBe(1);
  });

  it('follow the session that a token leads to', async () => {
    const connection = await opened();
    const other = { session: { id: 's2', userId: 'bob' } };
    connection.answer = async () => ({ status: 'active', record: other }) as Resolution;
    channel.publish({ kind: 'session', sessionId: 's1' });
    await until(() => connection.looks === 2);
    await turns();
    channel.publish({ kind: 'principal', userId: 'ann' });
    await turns();
    expect(connection.looks).toBe(2);
    channel.publish({ kind: 'principal', userId: 'bob' });
    await until(() => connection.looks === 3);
    expect(connection.closed).toEqual([]);
  });
});
