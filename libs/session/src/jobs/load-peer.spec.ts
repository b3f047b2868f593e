import { describe, expect, it } from '@jest/globals';

import { isSessionError } from '../core/errors.js';
import { loadPeer } from './load-peer.js';

const notFound = (name: string) => async (): Promise<never> => {
  const message = `Cannot find package '${name}' imported from /app/main.js`;
  throw Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });
};

describe('loadPeer', () => {
  it('gives the module', async () => {
    expect(await loadPeer('node:path', 'a test', () => import('node:path'))).toHaveProperty('join');
  });

  it('names the package that is not installed, the option that needs it and the cure', async () => {
    const loading = loadPeer('bullmq', '`jobs.driver`', notFound('bullmq'));
    await expect(loading).rejects.toThrow(
      /SESSION_PEER_MISSING.*bullmq.*`jobs\.driver`.*npm install bullmq/,
    );
  });

  it('does not blame the package for one of its own that is not installed', async () => {
    const error = await loadPeer('bullmq', '`jobs.driver`', notFound('msgpackr')).catch(
      (reason: unknown) => reason,
    );
    expect(isSessionError(error)).toBe(false);
  });
});
