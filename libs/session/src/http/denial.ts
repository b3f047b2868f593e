import type { Resolution } from '../core/session-resolution.js';
import type { RefusalDetails } from './session-exception.js';

/** Why what a client presented does not let it in, as it is told. A session without a user is `anonymous`. */
export function whyDenied(resolution: Resolution): RefusalDetails & { readonly reason: string } {
  switch (resolution.status) {
    case 'active':
      return { reason: 'anonymous' };
    case 'revoked':
      return { reason: 'revoked', revokeReason: resolution.reason };
    case 'idle-expired':
      return { reason: 'expired', expiry: 'idle' };
    case 'absolute-expired':
      return { reason: 'expired', expiry: 'absolute' };
    default:
      return { reason: resolution.status };
  }
}

/** The same in one word: `password-changed`, `idle-expired`, `superseded`. */
export function denialCode(resolution: Resolution): string {
  return whyDenied(resolution).revokeReason ?? resolution.status;
}
