import type { SessionNotice } from '../core/session-channel.js';
import type { Resolution } from '../core/session-resolution.js';
import type { Session } from '../core/session.js';

/** What stays open beyond one request. */
export interface OpenConnection {
  /** Looks the token up anew that it was opened with. Store down: `SESSION_STORE_UNAVAILABLE`. */
  resolve(): Promise<Resolution>;
  /** Ends it because its session is over. */
  close(ended: Resolution): void;
}

/** A connection, and what is known of its session. */
export class ConnectionEntry {
  sessionId: string | null = null;
  userId: string | null = null;
  /** Whether its session was ever found live. */
  isLive = false;
  /** Whether a notice has come since it was last found live. */
  isNoticed = false;
  /** By `performance.now()`. */
  lookAt = Infinity;
  readonly #noticesBefore: SessionNotice[] = [];

  /** @param turn from 0 to 1: when between two looks it is looked at. */
  constructor(
    readonly connection: OpenConnection,
    private readonly turn: number,
  ) {}

  foundLive(everyMs: number): void {
    this.isLive = true;
    this.isNoticed = false;
    this.lookAt = performance.now() + everyMs * (0.75 + this.turn / 4);
  }

  /** Keeps a notice that came before it is known whose the connection is. */
  notice(notice: SessionNotice): void {
    this.#noticesBefore.push(notice);
  }

  /** Whether a notice concerned this session since the connection was opened. */
  wasConcerned({ id, userId }: Session): boolean {
    const isConcerned = this.#noticesBefore.some((notice) => {
      if (notice.kind === 'everyone') return true;
      return notice.kind === 'session' ? notice.sessionId === id : notice.userId === userId;
    });
    this.#noticesBefore.length = 0;
    return this.isNoticed || isConcerned;
  }
}
