import { LRUCache } from 'lru-cache';

import { SessionCache, type CacheRead } from '../core/session-cache.js';
import type { SessionChannel } from '../core/session-channel.js';
import { earliestDeadline, effectiveDeadlines } from '../core/session-policy.js';
import type { ActiveSession } from '../core/session-resolution.js';
import { policyOf, type SessionSettings } from '../core/session-settings.js';
import { KnownToken, type ParsedToken } from '../core/session-token.js';
import type { SessionRecord } from '../core/session.js';
import { EntryIndex } from './entry-index.js';
import { EvictionLog } from './eviction-log.js';

/** Longest data that is kept, in characters: with the number of entries it bounds the memory. */
export const MAX_CACHED_DATA_LENGTH = 8192;

export interface LocalSessionCacheOptions {
  readonly maxEntries: number;
  /** How long an entry may be used, in milliseconds since its read began. */
  readonly ttlMs: number;
}

interface Entry {
  readonly known: KnownToken;
  readonly token: ParsedToken;
  readonly record: SessionRecord;
  /** When the read began that found it, and until when it may be used, by the cache's own clock. */
  readonly readAt: number;
  readonly until: number;
}

/**
 * A least-recently-used cache of live sessions. An entry is used until its time to live is over, counted from when its read
 * began, until one of the session's deadlines, or until the lease of the channel, whichever comes first.
 */
export class LocalSessionCache extends SessionCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #index = new EntryIndex();
  readonly #evictions = new EvictionLog();

  /** @param now milliseconds of a clock that is never set back, for the age of entries. */
  constructor(
    private readonly options: LocalSessionCacheOptions,
    private readonly channel: Pick<SessionChannel, 'leaseExpiresAt'>,
    private readonly settings: Pick<SessionSettings, 'policies'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    super();
    this.#entries = new LRUCache<string, Entry>({
      max: options.maxEntries,
      dispose: ({ record }, key) => this.#index.delete(key, record.session),
    });
  }

  /** Entries, and how much the index holds to find them by. */
  get size(): { readonly entries: number; readonly keys: number } {
    return { entries: this.#entries.size, keys: this.#index.size };
  }

  override get(presented: string): ActiveSession | undefined {
    if (performance.now() >= this.channel.leaseExpiresAt) return undefined;
    const entry = this.#entries.get(KnownToken.keyOf(presented));
    const now = this.now();
    if (entry?.known.is(presented) !== true || now >= entry.until) return undefined;
    const { token, record } = entry;
    // Not behind the store's clock: the statement looked at it after the read had begun.
    const moved = { ...record, now: record.now + Math.ceil(now - entry.readAt) };
    return { status: 'active', record: moved, token, successor: null, isCached: true };
  }

  override beginRead(): CacheRead {
    return { at: this.now(), position: this.#evictions.position };
  }

  override fill(
    { at: readAt, position }: CacheRead,
    presented: string,
    found: ActiveSession,
  ): void {
    const { record } = found;
    const { id, userId } = record.session;
    this.#delete(this.#index.ofSession(id));
    const isOutdated =
      this.#evictions.hasEvicted(sessionKey(id), position) ||
      (userId !== null && this.#evictions.hasEvicted(userKey(userId), position));
    if (isOutdated || (record.data?.length ?? 0) > MAX_CACHED_DATA_LENGTH) return;
    const deadlines = effectiveDeadlines(record.session, policyOf(this.settings, record.session));
    const lifeMs = Math.min(this.options.ttlMs, earliestDeadline(deadlines) - record.now);
    const known = new KnownToken(presented);
    this.#entries.set(known.key, {
      known,
      token: { ...found.token, secret: copyOf(found.token.secret) },
      record,
      readAt,
      until: readAt + lifeMs,
    });
    this.#index.add(known.key, record.session);
  }

  override touched(sessionId: string): void {
    const key = this.#index.ofSession(sessionId);
    const entry = key === undefined ? undefined : this.#entries.peek(key);
    if (key === undefined || entry === undefined) return;
    const { record, readAt } = entry;
    const lastSeenAt = record.now + Math.ceil(this.now() - readAt);
    const session = { ...record.session, lastSeenAt };
    this.#entries.set(key, { ...entry, record: { ...record, session } });
    this.#index.add(key, session);
  }

  override evictSession(sessionId: string): void {
    this.#evictions.evict(sessionKey(sessionId));
    this.#delete(this.#index.ofSession(sessionId));
  }

  override evictUser(userId: string): void {
    this.#evictions.evict(userKey(userId));
    for (const key of this.#index.ofUser(userId)) this.#delete(key);
  }

  override clear(): void {
    this.#evictions.evictAll();
    this.#entries.clear();
  }

  #delete(key: string | undefined): void {
    if (key !== undefined) this.#entries.delete(key);
  }
}

/** Not of the pool, whose every slab would be kept for one secret in it. */
function copyOf(secret: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(secret.length);
  secret.copy(copy);
  return copy;
}

function sessionKey(id: string): string {
  return `session:${id}`;
}

function userKey(id: string): string {
  return `user:${id}`;
}
