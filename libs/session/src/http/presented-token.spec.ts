import { beforeEach, describe, expect, it } from '@jest/globals';

import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { minutes } from '../core/duration.js';
import { SocketToken } from './presented-token.js';

describe('SocketToken', () => {
  let test: TestSessions;
  let token: string;

  beforeEach(async () => {
    test = createTestSessions({ options: { rotationIntervalMs: minutes(2) } });
    token = (await test.sessions.issue({ userId: 'ada' })).token;
  });

  const opened = (presented: string, presentedAt: number | null = test.clock.now()) =>
    new SocketToken(presented, presentedAt, test.clock);
  const status = async (socket: SocketToken) => (await socket.resolve(test.sessions)).status;

  /** What a browser does meanwhile; after it the grace is over. */
  async function rotatePeriodically(presented: string): Promise<string> {
    test.clock.advance(minutes(2));
    const current = await test.sessions.resolve(presented);
    if (current.status !== 'active') throw new Error(`Expected active, got ${current.status}`);
    const outcome = await test.sessions.commit({
      current,
      client: { ip: null, userAgent: null },
      data: null,
      updates: [],
      signIn: null,
      rotation: 'due',
      expiry: {},
      authenticated: null,
    });
    test.clock.advance(minutes(1));
    return outcome.token ?? '';
  }

  it('follows a rotation that came after the handshake and before the first message', async () => {
    const socket = opened(token);
    await rotatePeriodically(token);
    expect(await status(socket)).toBe('active');
  });

  it('follows one rotation after the other', async () => {
    const socket = opened(token);
    let browser = token;
    for (let turn = 0; turn < 5; turn += 1) {
      browser = await rotatePeriodically(browser);
      expect(await status(socket)).toBe('active');
    }
  });

  it('opens nothing after two rotations between messages, and ends nothing', async () => {
    const socket = opened(token);
    const browser = await rotatePeriodically(await rotatePeriodically(token));
    expect(await status(socket)).toBe('superseded');
    expect((await test.sessions.resolve(browser)).status).toBe('active');
  });

  it('opens nothing with a token that was dead when it was presented, and ends the session', async () => {
    await rotatePeriodically(token);
    expect(await status(opened(token))).toBe('revoked');
  });

  it('opens nothing with an old token where nobody knows when it was presented, and ends nothing', async () => {
    const browser = await rotatePeriodically(token);
    expect(await status(opened(token, null))).toBe('superseded');
    expect((await test.sessions.resolve(browser)).status).toBe('active');
  });

  it('opens nothing after a new token that follows from none', async () => {
    const socket = opened(token);
    expect(await status(socket)).toBe('active');
    await test.sessions.rotate(token);
    expect(await status(socket)).toBe('superseded');
    test.clock.advance(minutes(1));
    expect(await status(socket)).toBe('superseded');
  });
});
