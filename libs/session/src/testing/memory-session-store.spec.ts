import * as runner from '@jest/globals';

import { MemorySessionStore } from './memory-session-store.js';
import { sessionStoreContract } from './session-store.contract.js';

const { describe, expect, it } = runner;

sessionStoreContract({
  name: 'MemorySessionStore',
  runner,
  createStore: async (settings) => {
    const credentials = new Map<string, string>();
    const store = new MemorySessionStore({
      ...settings,
      verifyCredential: (userId, credential) => credentials.get(userId) === credential,
    });
    return {
      store,
      setCredential: async (userId, credential) => void credentials.set(userId, credential),
      close: async () => undefined,
    };
  },
});

describe('MemorySessionStore', () => {
  it('refuses a proof where nothing can verify it', async () => {
    const store = new MemorySessionStore();
    const session = {
      id: '01890a5d-ac96-774b-bcce-b302099a8057',
      tokenHash: '0'.repeat(64),
      generation: 0,
      userId: 'ada',
      policy: 'default',
      persistent: false,
      idleTimeoutMs: null,
      absoluteTimeoutMs: 1000,
      expiresAt: null,
      aal: 1,
      amr: null,
      ip: null,
      userAgent: null,
      data: null,
    };
    await expect(store.insert(session, { userId: 'ada', credential: 'x' })).rejects.toMatchObject({
      code: 'SESSION_CREDENTIAL_UNCONFIGURED',
    });
    await expect(store.find(session.id)).resolves.toBeUndefined();
  });

  it('runs on the clock of the process unless given one', async () => {
    const before = Date.now();
    const now = await new MemorySessionStore().now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });
});
