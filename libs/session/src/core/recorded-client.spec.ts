import { describe, expect, it } from '@jest/globals';

import { createTestSessions } from '../../../../test/support/session-service.js';
import { recordedClient } from './recorded-client.js';

const everything = { recordIp: true, recordUserAgent: true };

describe('what is recorded of a client', () => {
  it('is cut to what the columns hold', () => {
    const client = { ip: 'f'.repeat(100), userAgent: 'a'.repeat(1000) };

    expect(recordedClient(client, everything)).toEqual({
      ip: 'f'.repeat(45),
      userAgent: 'a'.repeat(512),
    });
  });

  it('is nothing where it is unknown', () => {
    expect(recordedClient(undefined, everything)).toEqual({ ip: null, userAgent: null });
  });

  it.each([
    [{ recordIp: false }, { ip: null, userAgent: 'curl' }],
    [{ recordUserAgent: false }, { ip: '192.0.2.1', userAgent: null }],
  ])('leaves out what is switched off: %j', async (options, recorded) => {
    const { sessions } = createTestSessions({ options });

    const { session } = await sessions.issue({ client: { ip: '192.0.2.1', userAgent: 'curl' } });

    expect(session).toMatchObject(recorded);
  });
});
