const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Below every session id. */
export const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

/** Above every session id. */
export const HIGHEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The lowest id of the sessions that are issued at an instant, in epoch milliseconds. */
export function lowestIdAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** When the session of an id was issued, by the store's time as far as its process knew that, in epoch milliseconds. */
export function issuedAt(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Whether a row could have this id: a UUID in lower case. A column of type uuid refuses anything else with an error. */
export function isSessionId(id: unknown): id is string {
  return typeof id === 'string' && SESSION_ID.test(id);
}
