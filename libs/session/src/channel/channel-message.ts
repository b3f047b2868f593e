import type { SessionNotice } from '../core/session-channel.js';
import { isSessionId } from '../core/session-id.js';
import { isUserId } from '../core/user-id.js';

/** The format of the messages. One of another version is ignored: nobody here knows what it means. */
const MESSAGE_VERSION = 1;

/** PostgreSQL takes payloads below 8,000 bytes. */
export const MAX_MESSAGE_BYTES = 7900;

/** What is said in one message: notices, each kind in a list of its own, or a sign of life. */
export interface ChannelMessage {
  /** Which process says it. */
  readonly from: string;
  readonly isEveryone?: boolean;
  readonly userIds?: readonly string[];
  /** Sessions that were ended or rotated. */
  readonly sessionIds?: readonly string[];
  /** Sessions that go on, changed. */
  readonly liveIds?: readonly string[];
  readonly beat?: number;
}

export function encodeMessage(message: ChannelMessage): string {
  return JSON.stringify({ version: MESSAGE_VERSION, ...message });
}

/** Reads what came over the channel, from whoever may write to it; `undefined` where it is not ours or of another version. */
export function decodeMessage(text: string): ChannelMessage | undefined {
  if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES) return undefined;
  const { version, from, beat, isEveryone, userIds, sessionIds, liveIds, ...others } = parse(text);
  const isOurs =
    version === MESSAGE_VERSION &&
    isSessionId(from) &&
    (beat === undefined || Number.isSafeInteger(beat)) &&
    (isEveryone === undefined || typeof isEveryone === 'boolean') &&
    isListOf(userIds, isUserId) &&
    isListOf(sessionIds, isSessionId) &&
    isListOf(liveIds, isSessionId) &&
    Object.keys(others).length === 0;
  if (!isOurs) return undefined;
  return { from, beat, isEveryone, userIds, sessionIds, liveIds } as ChannelMessage;
}

export function noticesOf(message: ChannelMessage): readonly SessionNotice[] {
  const { isEveryone = false, userIds = [], sessionIds = [], liveIds = [] } = message;
  return [
    ...(isEveryone ? [{ kind: 'everyone' } as const] : []),
    ...userIds.map((userId) => ({ kind: 'principal', userId }) as const),
    ...sessionIds.map((sessionId) => ({ kind: 'session', sessionId }) as const),
    ...liveIds.map((sessionId) => ({ kind: 'session', sessionId, isLive: true }) as const),
  ];
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isListOf(value: unknown, isValid: (item: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isValid));
}
