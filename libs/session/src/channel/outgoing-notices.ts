import type { SessionNotice } from '../core/session-channel.js';
import { MAX_MESSAGE_BYTES, type ChannelMessage } from './channel-message.js';

/** So many notices about sessions of one user are sent as one about the user. */
const MAX_PER_USER = 16;

/** So many notices that wait are sent as one about everyone: more only pile up where the server is away. */
const MAX_WAITING = 10_000;

/** Room for what stands around the ids of a message. */
const ENVELOPE_BYTES = 200;

type Notices = Omit<ChannelMessage, 'from' | 'beat'>;

/**
 * Notices on their way to other processes. As all of them say "look again", those that are covered by another need not be
 * sent: their number is bounded, however many sessions end and however long the server is away.
 */
export class OutgoingNotices {
  #isEveryone = false;
  readonly #userIds = new Set<string>();
  /** Session ids with whether the session is live, by user; those whose user is not known under `null`. */
  readonly #sessions = new Map<string | null, Map<string, boolean>>();
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  add(notice: SessionNotice): void {
    if (this.#isEveryone) return;
    if (notice.kind === 'everyone') return this.#addEveryone();
    if (notice.kind === 'principal') this.#addUser(notice.userId);
    else this.#addSession(notice.userId ?? null, notice.sessionId, notice.isLive === true);
    if (this.#size > MAX_WAITING) this.#addEveryone();
  }

  /** Takes out as many as fit into one message. */
  take(): Notices {
    const isEveryone = this.#isEveryone;
    const room = new Room(MAX_MESSAGE_BYTES - ENVELOPE_BYTES);
    const userIds = [...this.#userIds].filter((userId) => room.takes(userId));
    const ended: string[] = [];
    const live: string[] = [];
    for (const [userId, sessions] of this.#sessions) {
      for (const [sessionId, isLive] of sessions) {
        if (!room.takes(sessionId)) break;
        (isLive ? live : ended).push(sessionId);
        this.#removeSession(userId, sessionId);
      }
      if (room.isFull) break;
    }
    for (const userId of userIds) this.#removeUser(userId);
    if (isEveryone) this.#clear();
    return {
      ...(isEveryone ? { isEveryone } : {}),
      ...(userIds.length > 0 ? { userIds } : {}),
      ...(ended.length > 0 ? { sessionIds: ended } : {}),
      ...(live.length > 0 ? { liveIds: live } : {}),
    };
  }

  #addEveryone(): void {
    this.#clear();
    this.#isEveryone = true;
    this.#size = 1;
  }

  #addUser(userId: string): void {
    this.#size -= this.#sessions.get(userId)?.size ?? 0;
    this.#sessions.delete(userId);
    if (this.#userIds.has(userId)) return;
    this.#userIds.add(userId);
    this.#size += 1;
  }

  #addSession(userId: string | null, sessionId: string, isLive: boolean): void {
    if (userId !== null && this.#userIds.has(userId)) return;
    const sessions = this.#sessions.get(userId) ?? new Map<string, boolean>();
    this.#sessions.set(userId, sessions);
    const known = sessions.get(sessionId);
    if (known === undefined) this.#size += 1;
    sessions.set(sessionId, isLive && known !== false);
    if (userId !== null && sessions.size > MAX_PER_USER) this.#addUser(userId);
  }

  #removeUser(userId: string): void {
    if (this.#userIds.delete(userId)) this.#size -= 1;
  }

  #removeSession(userId: string | null, sessionId: string): void {
    const sessions = this.#sessions.get(userId);
    if (sessions?.delete(sessionId) !== true) return;
    this.#size -= 1;
    if (sessions.size === 0) this.#sessions.delete(userId);
  }

  #clear(): void {
    this.#isEveryone = false;
    this.#userIds.clear();
    this.#sessions.clear();
    this.#size = 0;
  }
}

/** The bytes that are left of a message. */
class Room {
  isFull = false;

  constructor(private bytes: number) {}

  takes(id: string): boolean {
    if (this.isFull) return false;
    this.bytes -= Buffer.byteLength(JSON.stringify(id)) + 1;
    this.isFull = this.bytes < 0;
    return !this.isFull;
  }
}
