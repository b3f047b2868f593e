import { assertAmr } from './authentication-methods.js';
import { SessionError } from './errors.js';
import { recordedClient } from './recorded-client.js';
import { assertDataFits, serializeData, type SessionDataRecord } from './session-data.js';
import {
  ANONYMOUS_POLICY,
  DEFAULT_POLICY,
  policyNamed,
  type SessionSettings,
} from './session-settings.js';
import { shorter } from './session-policy.js';
import type { SessionStore } from './session-store.js';
import { newSessionId, type SessionTokens } from './session-token.js';
import type { ClientDescription, SignInOptions } from './session-work.js';
import type { Session, SessionRecord } from './session.js';
import type { StoreTime } from './store-time.js';
import { assertUserId } from './user-id.js';

export interface IssueOptions extends SignInOptions {
  /** Whose session; `null` or absent for an anonymous one. */
  readonly userId?: string | null;
  readonly client?: ClientDescription;
  readonly data?: SessionDataRecord;
  /** An end before the policy's, in epoch milliseconds. */
  readonly expiresAt?: number;
  /** A shorter idle timeout than the policy's, in milliseconds. */
  readonly idleTimeoutMs?: number;
  /** The token to give the session, from `SessionService.prepare`; a new one unless given. */
  readonly prepared?: PreparedToken;
}

/** A token of a session that does not exist yet. It opens nothing until `issue` is given it. */
export interface PreparedToken {
  /** The id that the session will have. */
  readonly id: string;
  /** What the client presents. It is stored nowhere: keep it out of logs. */
  readonly token: string;
}

/** A token that is about to be issued. */
export interface TakenToken extends PreparedToken {
  readonly tokenHash: string;
}

export interface IssuedSession {
  /** What the client presents from now on. It is stored nowhere: keep it out of logs. */
  readonly token: string;
  readonly session: Session;
}

/** Makes new sessions: the only place that inserts one. */
export class SessionIssuer {
  /** The hashes of tokens that were prepared and not issued. By identity: only what `prepare` returned is in here. */
  readonly #prepared = new WeakMap<PreparedToken, string>();

  constructor(
    private readonly tokens: SessionTokens,
    private readonly settings: SessionSettings,
    private readonly time: StoreTime,
  ) {}

  prepare(): PreparedToken {
    const id = newSessionId(this.time.now);
    const { token, tokenHash } = this.tokens.mint(id, 0);
    const prepared = { id, token };
    this.#prepared.set(prepared, tokenHash);
    return prepared;
  }

  /** @param minted the session's token, from `mint`, where `store` may run this more than once. */
  async issue(
    store: SessionStore,
    options: IssueOptions,
    minted?: TakenToken,
  ): Promise<IssuedSession & { readonly record: SessionRecord }> {
    const { userId = null, client, data } = options;
    if (userId !== null) assertUserId(userId);
    const policyName = options.policy ?? (userId === null ? ANONYMOUS_POLICY : DEFAULT_POLICY);
    const policy = policyNamed(this.settings, policyName);
    assertAmr(options.amr);
    assertMilliseconds('idleTimeoutMs', options.idleTimeoutMs);
    assertMilliseconds('expiresAt', options.expiresAt);
    if (data !== undefined) assertDataFits(data, this.settings.maxDataBytes);
    const { id, token, tokenHash } = minted ?? (await this.mint(store, options.prepared));
    const { ip, userAgent } = recordedClient(client, this.settings);
    const outcome = await store.insert(
      {
        id,
        tokenHash,
        generation: 0,
        userId,
        policy: policyName,
        persistent: options.persistent ?? policy.persistent,
        idleTimeoutMs: shorter(policy.idleTimeoutMs, options.idleTimeoutMs ?? null),
        absoluteTimeoutMs: policy.absoluteTimeoutMs,
        expiresAt: options.expiresAt ?? null,
        aal: userId === null ? null : (options.aal ?? 1),
        amr: userId === null ? null : (options.amr ?? null),
        ip,
        userAgent,
        data: data === undefined ? null : serializeData(data),
      },
      userId !== null && options.credential !== undefined
        ? { userId, credential: options.credential }
        : undefined,
    );
    if (outcome === 'credential-changed') {
      throw new SessionError(
        'SESSION_CREDENTIAL_CHANGED',
        'Expected the credential that the sign-in was proven with, got another: it was changed meanwhile. Sign in again.',
      );
    }
    const record = await store.find(id);
    if (record === undefined) {
      throw new SessionError('SESSION_ENDED', 'The session was purged before it was ever used.');
    }
    this.time.hear(record.now);
    return { token, session: record.session, record };
  }

  /**
   * The token for a new session. Ids are in the order of the store's time: a process that has not heard it yet asks.
   *
   * One that was prepared is taken once, whatever becomes of its session: a second time could bring the session back.
   */
  async mint(store: SessionStore, given: PreparedToken | undefined): Promise<TakenToken> {
    if (given === undefined && !this.time.isKnown) this.time.hear(await store.now());
    const prepared = given ?? this.prepare();
    const tokenHash = this.#prepared.get(prepared);
    if (tokenHash === undefined || !this.#prepared.delete(prepared)) {
      throw new SessionError(
        'SESSION_ENDED',
        'Expected a token from prepare() that was not issued before, got another. Prepare a new one.',
      );
    }
    return { ...prepared, tokenHash };
  }
}

function assertMilliseconds(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return;
  throw new SessionError(
    'SESSION_EXPIRY_INVALID',
    `Expected \`${name}\` to be a positive whole number of milliseconds, got ${value}.`,
  );
}
