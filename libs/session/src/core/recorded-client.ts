import type { SessionSettings } from './session-settings.js';
import type { ClientDescription } from './session-work.js';

/** Longest address and longest `User-Agent` that are recorded, in characters. */
const MAX_IP_LENGTH = 45;
const MAX_USER_AGENT_LENGTH = 512;

/** What is recorded of a client: cut to what the columns hold, and `null` where it is unknown or switched off. */
export function recordedClient(
  client: ClientDescription | undefined,
  { recordIp, recordUserAgent }: Pick<SessionSettings, 'recordIp' | 'recordUserAgent'>,
): ClientDescription {
  return {
    ip: recordIp ? (client?.ip?.slice(0, MAX_IP_LENGTH) ?? null) : null,
    userAgent: recordUserAgent
      ? (client?.userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null)
      : null,
  };
}
