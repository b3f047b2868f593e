import { describe, expect, it } from '@jest/globals';

import { isSessionError } from '../core/errors.js';
import { decodeJob, encodeJob, sweepJob, type SessionJob } from './job-payload.js';

const jobs: SessionJob[] = [{ name: 'purge' }, sweepJob('42'), sweepJob('*')];

function errorOf(name: string, data: unknown): unknown {
  try {
    return decodeJob(name, data);
  } catch (error) {
    return error;
  }
}

describe('decodeJob', () => {
  it.each(jobs)('reads what was encoded: $name', (job) => {
    const { name, data } = encodeJob(job);
    expect(decodeJob(name, JSON.parse(JSON.stringify(data)))).toEqual(job);
  });

  it.each([
    ['no data', 'purge', undefined],
    ['null', 'purge', null],
    ['a list', 'purge', [1]],
    ['text', 'purge', 'version=1'],
    ['no version', 'purge', {}],
    ['the version as text', 'purge', { version: '1' }],
    ['a later version', 'purge', { version: 2 }],
    ['an unknown name', 'drop-table', { version: 1 }],
    ['a name of the prototype', 'constructor', { version: 1 }],
    ['a key too many', 'purge', { version: 1, userId: '42' }],
    ['a user for everyone', 'revoke-everyone', { version: 1, userId: '42' }],
    ['no user', 'revoke-user', { version: 1 }],
    ['a number for a user', 'revoke-user', { version: 1, userId: 42 }],
    ['everyone for a user', 'revoke-user', { version: 1, userId: '*' }],
    ['an endless user', 'revoke-user', { version: 1, userId: 'x'.repeat(10_000_000) }],
    ['a key of the prototype', 'revoke-user', JSON.parse('{"version":1,"__proto__":"42"}')],
  ])('refuses %s', (_case, name, data) => {
    expect(isSessionError(errorOf(name, data), 'SESSION_JOB_INVALID')).toBe(true);
  });

  it('does not quote the payload', () => {
    const error = errorOf('secret-name', { version: 1, secretKey: 'secret-value' });
    expect(String(error)).not.toContain('secret');
  });
});
