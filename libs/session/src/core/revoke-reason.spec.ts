import { describe, expect, it } from '@jest/globals';

import { assertRevokeReason } from './revoke-reason.js';

describe('assertRevokeReason', () => {
  it.each(['signed-out', 'a', 'admin.ban_2', 'x'.repeat(64)])('takes %j', (reason) => {
    expect(() => assertRevokeReason(reason)).not.toThrow();
  });

  it.each(['', 'Signed out', 'x'.repeat(65), 'a\n', 'é', '"quoted"'])('refuses %j', (reason) => {
    expect(() => assertRevokeReason(reason)).toThrow(
      expect.objectContaining({ code: 'SESSION_REASON_INVALID' }),
    );
  });
});
