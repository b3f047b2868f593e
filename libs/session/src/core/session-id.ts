const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Below every session id. */
export const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

/** Whether a row could have this id: a UUID in lower case. A column of type uuid refuses anything else with an error. */
export function isSessionId(id: unknown): id is string {
  return typeof id === 'string' && SESSION_ID.test(id);
}
