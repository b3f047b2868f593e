import { SessionError } from './errors.js';
import type { SessionEvents } from './session-events.js';
import { earliestDeadline, effectiveDeadlines } from './session-policy.js';
import { policyOf, type SessionSettings } from './session-settings.js';
import type { SessionStore } from './session-store.js';
import type { Session } from './session.js';
import { assertUserId } from './user-id.js';

/** Live sessions read at a time. */
const PAGE_SIZE = 100;

/** Keeps users within `maxSessionsPerUser` (ASVS 7.1.2), however many sign-ins of one user run at once. */
export class SessionLimit {
  constructor(
    private readonly settings: Pick<SessionSettings, 'maxSessionsPerUser' | 'onLimit' | 'policies'>,
    private readonly events: SessionEvents,
  ) {}

  /**
   * Makes room for one more session of a user: the first step of the transaction that inserts it. The user's sign-ins go
   * on one after another from here. `replacedId` is a session that the transaction ends anyway, and does not count.
   *
   * Ends the oldest sessions, with the reason `limit-reached`; as many as are too many where the limit was lowered. No
   * limit, or no user: no query.
   * @throws `SESSION_LIMIT_REACHED` where `onLimit` is `refuse`, `SESSION_USER_INVALID`
   */
  async makeRoom(store: SessionStore, userId: string | null, replacedId?: string): Promise<void> {
    const { maxSessionsPerUser, onLimit } = this.settings;
    if (maxSessionsPerUser === null || userId === null) return;
    assertUserId(userId);
    await store.lockPrincipal(userId);
    const others = (await liveSessions(store, userId)).filter(({ id }) => id !== replacedId);
    if (others.length < maxSessionsPerUser) return;
    const counted = await this.#underPolicies(store, others);
    const excess = counted.slice(0, Math.max(0, counted.length - (maxSessionsPerUser - 1)));
    if (excess.length === 0) return;
    if (onLimit === 'refuse') {
      throw new SessionError(
        'SESSION_LIMIT_REACHED',
        `Expected fewer than ${maxSessionsPerUser} live sessions of the user, got ${counted.length}. End one of them, and sign in again.`,
      );
    }
    for (const { id } of excess) await this.#end(store, id, userId);
  }

  /** Without those that only a lowered policy has ended, of which the store knows nothing. */
  async #underPolicies(
    store: SessionStore,
    sessions: readonly Session[],
  ): Promise<readonly Session[]> {
    const now = await store.now();
    return sessions.filter((session) => {
      const deadlines = effectiveDeadlines(session, policyOf(this.settings, session));
      return earliestDeadline(deadlines) > now;
    });
  }

  async #end(store: SessionStore, sessionId: string, userId: string): Promise<void> {
    const reason = 'limit-reached';
    if ((await store.revoke(sessionId, reason)) === undefined) return;
    store.afterCommit(() => this.events.emit('session:revoked', { sessionId, userId, reason }));
  }
}

/** All live sessions of a user, oldest first. Ids follow the store's time as several processes hear it; `createdAt` is that time. */
async function liveSessions(store: SessionStore, userId: string): Promise<readonly Session[]> {
  const sessions: Session[] = [];
  let page: readonly Session[];
  do {
    page = await store.list(userId, { after: sessions.at(-1)?.id ?? null, limit: PAGE_SIZE });
    sessions.push(...page);
  } while (page.length === PAGE_SIZE);
  return sessions.toSorted((a, b) => a.createdAt - b.createdAt);
}
