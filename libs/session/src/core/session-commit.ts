import { SessionError } from './errors.js';
import {
  applyPatch,
  assertDataFits,
  diffData,
  parseData,
  type SessionDataRecord,
} from './session-data.js';
import type { SessionEvents } from './session-events.js';
import type { SessionIssuer } from './session-issuer.js';
import type { SessionLimit } from './session-limit.js';
import { sessionState } from './session-policy.js';
import type { ActiveSession } from './session-resolution.js';
import { policyOf, type SessionSettings } from './session-settings.js';
import type { DataPatch, SessionChange, SessionStore } from './session-store.js';
import type { MintedToken, ParsedToken, SessionTokens } from './session-token.js';
import type { SessionWork } from './session-work.js';
import type { SessionRecord } from './session.js';

/**
 * How often a write is tried that loses to other requests of its session. Each loss is another request's success, so this
 * is also how many requests may write one session at the same moment.
 */
const MAX_ATTEMPTS = 50;

export interface CommitOutcome {
  /** The session as it is now; `null` where there is none. */
  readonly record: SessionRecord | null;
  /** The token to send to the client; `null` where it keeps the one it has. */
  readonly token: string | null;
}

/** What a change is based on: the session as last read, and where its rotation stands. */
interface Basis {
  readonly record: SessionRecord;
  /** The newest token of the session that this request knows. */
  readonly token: ParsedToken;
  /** The same as text where the client does not hold it yet. */
  readonly successor: string | null;
  readonly rotation: SessionWork['rotation'];
}

/**
 * Carries out a request's `SessionWork`. A sign-in is one transaction: the old session ends, the new one begins, or
 * neither. Anything else is one conditional UPDATE.
 */
export class SessionCommit {
  constructor(
    private readonly store: SessionStore,
    private readonly tokens: SessionTokens,
    private readonly settings: SessionSettings,
    private readonly events: SessionEvents,
    private readonly issuer: SessionIssuer,
    private readonly limit: SessionLimit,
  ) {}

  async run(work: SessionWork): Promise<CommitOutcome> {
    if (work.signIn !== null) return this.#signIn(work, work.signIn);
    if (work.current !== null) return this.#change(work, work.current);
    const data = newestData(null, ownPatch(work), work);
    if (Object.keys(data).length === 0) return { record: null, token: null };
    const { client } = work;
    return this.#announce(
      await this.issuer.issue(this.store, { client, data, ...expiryAtIssue(work) }),
    );
  }

  async #signIn(
    work: SessionWork,
    { userId, options }: NonNullable<SessionWork['signIn']>,
  ): Promise<CommitOutcome> {
    const { client } = work;
    const own = ownPatch(work);
    const old = work.current?.record.session;
    let isReplaced = false;
    const issued = await this.store.transaction(async (store) => {
      await this.limit.makeRoom(store, userId, old?.id);
      isReplaced = old !== undefined && (await store.revoke(old.id, 'replaced')) !== undefined;
      const isCarried = isReplaced && (old?.userId === null || old?.userId === userId);
      // Read after its revocation has locked the row: what another request wrote a moment ago is carried over too.
      const carried = isCarried && old !== undefined ? await store.find(old.id) : undefined;
      const data = newestData(carried?.data ?? null, own, work);
      return this.issuer.issue(store, { ...options, ...expiryAtIssue(work), userId, client, data });
    });
    if (isReplaced && old !== undefined) {
      const { id: sessionId, userId: oldUserId } = old;
      this.events.emit('session:revoked', { sessionId, userId: oldUserId, reason: 'replaced' });
    }
    return this.#announce(issued);
  }

  #announce({ token, record }: { token: string; record: SessionRecord }): CommitOutcome {
    const { id, userId, policy } = record.session;
    this.events.emit('session:issued', { sessionId: id, userId, policy });
    return { record, token };
  }

  async #change(work: SessionWork, current: ActiveSession): Promise<CommitOutcome> {
    const { id, userId } = current.record.session;
    const own = ownPatch(work);
    let basis: Basis = {
      ...current,
      token: this.#parsed(current.successor) ?? current.token,
      rotation: work.rotation,
    };
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const next = this.#nextToken(basis);
      const change = this.#changeOf(work, own, basis.record, next);
      if (Object.keys(change).length === 0) return this.#unchanged(basis);
      if (await this.store.update(id, change)) {
        if (next !== undefined) {
          const generation = basis.record.session.generation + 1;
          this.events.emit('session:rotated', { sessionId: id, userId, generation });
        }
        if (Object.keys(change).some((part) => part !== 'rotate')) {
          this.events.emit('session:changed', { sessionId: id, userId });
        }
        const record = (await this.store.find(id)) ?? basis.record;
        return { record, token: next?.token ?? successorUnder(basis, record) };
      }
      basis = this.#after(basis, await this.#reload(id));
    }
    throw new SessionError(
      'SESSION_DATA_CONFLICT',
      `Expected to write the session within ${MAX_ATTEMPTS} attempts, got as many conflicts. Repeat the request.`,
    );
  }

  async #unchanged(basis: Basis): Promise<CommitOutcome> {
    const { record, successor } = basis;
    if (successor === null) return { record, token: null };
    const newest = await this.#reload(record.session.id);
    return { record: newest, token: successorUnder(basis, newest) };
  }

  #nextToken({ record, token, successor, rotation }: Basis): MintedToken | undefined {
    const { id, generation } = record.session;
    if (rotation === 'now' || rotation === 'own') return this.tokens.mint(id, generation + 1);
    return rotation === 'due' && successor === null ? this.tokens.successor(token) : undefined;
  }

  #changeOf(
    work: SessionWork,
    own: DataPatch | undefined,
    { session, tokenHash, data }: SessionRecord,
    next: MintedToken | undefined,
  ): SessionChange {
    const { expiry, authenticated, updates } = work;
    const patch =
      updates.length === 0 ? own : diffData(parseData(data), newestData(data, own, work));
    if (patch !== undefined) {
      assertDataFits(applyPatch(parseData(data), patch), this.settings.maxDataBytes);
    }
    return {
      ...expiry,
      ...(patch && { data: patch }),
      ...(patch && updates.length > 0 && { ifVersion: session.version }),
      ...(authenticated && { authenticated }),
      ...(next && {
        rotate: {
          fromGeneration: session.generation,
          fromTokenHash: tokenHash,
          tokenHash: next.tokenHash,
        },
      }),
    };
  }

  /** What to go on from after a lost write. The client must not be sent a token over a newer one that it already has. */
  #after({ record, token, successor, rotation }: Basis, newest: SessionRecord): Basis {
    const rotations = newest.session.generation - record.session.generation;
    if (rotations === 0) return { record: newest, token, successor, rotation };
    const known = this.tokens.knownSuccessor(token, newest.tokenHash)?.token ?? null;
    // A periodic rotation came first, and whoever has the old token can still exchange it; or several came, and nobody
    // knows which. Only a single random token says that another request has done what this one asks for.
    const isOpen = known !== null || rotations > 1;
    const isProven = newest.session.authenticatedAt !== record.session.authenticatedAt;
    const mustRotate = isOpen ? rotation !== 'due' : rotation === 'own' && !isProven;
    return {
      record: newest,
      token: this.#parsed(known) ?? token,
      successor: known,
      rotation: mustRotate ? rotation : null,
    };
  }

  async #reload(id: string): Promise<SessionRecord> {
    const record = await this.store.find(id);
    if (record !== undefined) {
      const { status } = sessionState(record, policyOf(this.settings, record.session));
      if (status === 'active') return record;
    }
    throw new SessionError(
      'SESSION_ENDED',
      'Expected a live session, got one that was ended while the request ran. Nothing was written; sign in again.',
    );
  }

  #parsed(token: string | null): ParsedToken | undefined {
    return token === null ? undefined : this.tokens.parse(token);
  }
}

/** The token to exchange the presented one for, unless a newer one was given out meanwhile: the client may hold it. */
function successorUnder({ record, successor }: Basis, newest: SessionRecord): string | null {
  return newest.session.generation === record.session.generation ? successor : null;
}

/** The keys that the request itself has changed. */
function ownPatch({ data }: SessionWork): DataPatch | undefined {
  return data === null ? undefined : diffData(data.before, data.after);
}

/** The data as stored, then what the request changed, then its atomic updates. */
function newestData(
  stored: string | null,
  own: DataPatch | undefined,
  { updates }: SessionWork,
): SessionDataRecord {
  const data = own === undefined ? parseData(stored) : applyPatch(parseData(stored), own);
  for (const { key, apply } of updates) data[key] = apply(data[key]);
  return data;
}

/** A session can be issued to end earlier than its policy says, not later: what would lengthen it is left out. */
function expiryAtIssue({ expiry: { idleTimeoutMs, expiresAt, persistent } }: SessionWork): {
  idleTimeoutMs?: number;
  expiresAt?: number;
  persistent?: boolean;
} {
  return {
    ...(typeof idleTimeoutMs === 'number' && { idleTimeoutMs }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(persistent !== undefined && { persistent }),
  };
}
