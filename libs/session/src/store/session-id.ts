const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Below every session id. */
export const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

/** Whether a row could have this id. Anything else is refused by a column of type uuid with an error. */
export function isSessionId(id: string): boolean {
  return SESSION_ID.test(id);
}
