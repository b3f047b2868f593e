import { isSessionError } from '../../libs/session/src/core/errors.js';
import type { ActiveSession } from '../../libs/session/src/core/session-resolution.js';
import type { SessionWork } from '../../libs/session/src/core/session-work.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { currentSession } from '../../libs/session/src/invalidation/current-session.js';
import type { DataSource } from 'typeorm';

import { Account } from './account.entity.js';
import { nextTurn } from './next-turn.js';
import type { HeldToken, SessionHistory, Span } from './session-history.js';

/** One process of an application. */
export interface TrafficNode {
  readonly sessions: SessionService;
  readonly dataSource: DataSource;
  /** How the application runs transactions of its own; all at once unless given. */
  inTransaction?<T>(work: () => Promise<T>): Promise<T>;
}

/** What clients do. Those that end much come less often than those that make and use sessions. */
const WEIGHTS = {
  'sign-in': 40,
  'sign-in-by-link': 20,
  'sign-in-again': 20,
  use: 240,
  touch: 80,
  rotate: 30,
  'rotate-if-due': 30,
  update: 80,
  revoke: 15,
  'revoke-others': 1,
  'revoke-all': 1,
  'change-password': 1,
  'change-password-signed-in': 2,
};

export type TrafficKind = keyof typeof WEIGHTS;

/** The kinds, each as often as it weighs. */
export const TRAFFIC_KINDS = Object.entries(WEIGHTS).flatMap(([kind, weight]) =>
  Array.from({ length: weight }, () => kind as TrafficKind),
);

/** One request: what, by which node, for which user, and a number that chooses the token. */
export interface TrafficRequest {
  readonly kind: TrafficKind;
  readonly node: number;
  readonly user: number;
  readonly choice: number;
}

const CLIENT = { ip: '192.0.2.1', userAgent: 'Browser' };

/** Tokens that clients still try, those of ended sessions among them. */
const KEPT_TOKENS = 16;

/** Users, their browsers and what they know: sends requests to nodes and records what came back. */
export class SessionTraffic {
  /** What no request may be answered with. */
  readonly unexpected: unknown[] = [];
  /** Ids of sessions whose token a client was given. */
  readonly issued = new Set<string>();
  /** How many uses a node accepted by what it remembered. */
  rememberedCount = 0;
  /** By session, how many updates were acknowledged. */
  readonly updates = new Map<string, number>();
  readonly #held = new Map<string, HeldToken[]>();
  #changes = 0;

  /** @param isExpected whether an error is one that a client may be answered with. */
  constructor(
    private readonly history: SessionHistory,
    private readonly nodes: readonly TrafficNode[],
    private readonly users: readonly string[],
    private readonly isExpected: (error: unknown) => boolean = () => false,
  ) {}

  /** Makes the users' accounts, and signs each in once: by `node`, where that is one which does not fail. */
  async begin(node = this.#node(0)): Promise<void> {
    for (const id of this.users) {
      const account = { id, passwordHash: `${id}-0`, isDisabled: false };
      await node.dataSource.getRepository(Account).save(account);
      this.history.started(account.passwordHash);
      await this.#signIn(node, id);
    }
  }

  /** Every token of a session, the newest last. */
  tokensOf(sessionId: string): readonly HeldToken[] {
    const all = [...this.#held.values()].flat();
    return all.filter((held) => held.sessionId === sessionId);
  }

  /** Sends requests, `width` at a time, until there are none or `until` says so. Rejects for none of them. */
  async run(
    requests: Iterable<TrafficRequest>,
    width: number,
    before: (index: number) => unknown = () => {},
  ): Promise<void> {
    const queue = requests[Symbol.iterator]();
    let index = 0;
    const client = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        await nextTurn();
        before((index += 1));
        await this.#send(next.value);
      }
    };
    await Promise.all(Array.from({ length: width }, client));
  }

  async #send(request: TrafficRequest): Promise<void> {
    const node = this.#node(request.node);
    const userId = this.users[request.user % this.users.length] ?? '';
    const tokens = this.#held.get(userId) ?? [];
    const held = tokens.at(-1 - (request.choice % Math.min(tokens.length, KEPT_TOKENS)));
    try {
      await this.#do(request.kind, node, userId, held);
    } catch (error) {
      const isLate =
        isSessionError(error, 'SESSION_ENDED') ||
        isSessionError(error, 'SESSION_CREDENTIAL_CHANGED');
      if (!isLate && !this.isExpected(error)) this.unexpected.push(error);
    }
  }

  async #do(
    kind: TrafficKind,
    node: TrafficNode,
    userId: string,
    held: HeldToken | undefined,
  ): Promise<void> {
    if (kind === 'sign-in-by-link' || held === undefined) return this.#signIn(node, userId);
    switch (kind) {
      case 'sign-in':
        return this.#signIn(node, userId, await this.#verify(node, userId));
      case 'sign-in-again':
        return this.#signInAgain(node, held);
      case 'use':
        return void (await this.use(node, held));
      case 'touch':
        return this.#touch(node, held);
      case 'rotate':
        return this.#rotate(node, held);
      case 'rotate-if-due':
        return this.#rotateIfDue(node, held);
      case 'update':
        return this.#update(node, held);
      case 'revoke':
        return this.#revoke(node, held);
      case 'revoke-others':
        return this.#revokeAll(node, userId, held.sessionId);
      case 'revoke-all':
        return this.#revokeAll(node, userId, null);
      case 'change-password':
        return this.#changePassword(node, userId, null);
      case 'change-password-signed-in':
        return this.#changePassword(node, userId, held.sessionId);
    }
  }

  /** Presents a token. @returns the session where it is accepted. */
  async use(node: TrafficNode, token: HeldToken): Promise<ActiveSession | undefined> {
    const [resolution, span] = await timed(
      async () => node.sessions.cached(token.token) ?? node.sessions.resolve(token.token),
    );
    const isAccepted = resolution.status === 'active';
    if (isAccepted && resolution.isCached === true) this.rememberedCount += 1;
    this.history.used({ ...span, node, token, isAccepted });
    return isAccepted ? resolution : undefined;
  }

  /** With the credential that it is proven with, or by something that no change of a credential takes away. */
  async #signIn(node: TrafficNode, userId: string, credential?: string): Promise<void> {
    const proof = credential === undefined ? {} : { credential };
    const [{ token, session }, span] = await timed(() =>
      node.sessions.issue({ userId, client: CLIENT, ...proof }),
    );
    this.#hold(userId, session.id, token);
    this.history.loggedIn({ ...span, sessionId: session.id, userId, ...proof });
  }

  async #signInAgain(node: TrafficNode, held: HeldToken): Promise<void> {
    const current = await this.use(node, held);
    if (current === undefined) return;
    const { userId } = held;
    const credential = await this.#verify(node, userId);
    this.history.threatened(held.sessionId);
    const signIn = { userId, options: { credential } };
    const [{ record, token }, span] = await timed(() =>
      node.sessions.commit(work(current, { signIn })),
    );
    if (record === null || token === null) return;
    // The data is carried over, with what was counted in it.
    const { count = 0 } = JSON.parse(record.data ?? '{}') as { count?: number };
    this.updates.set(record.session.id, count);
    this.#hold(userId, record.session.id, token);
    this.history.loggedIn({ ...span, sessionId: record.session.id, userId, credential });
    this.history.ended({ ...span, node, sessionId: held.sessionId });
  }

  async #touch(node: TrafficNode, held: HeldToken): Promise<void> {
    const current = await this.use(node, held);
    if (current !== undefined) node.sessions.touch(current, CLIENT);
  }

  async #rotate(node: TrafficNode, { token, sessionId, userId }: HeldToken): Promise<void> {
    this.history.threatened(sessionId);
    const [rotated, span] = await timed(() => node.sessions.rotate(token));
    if (rotated === undefined) return;
    const { generation } = this.#hold(userId, sessionId, rotated.token);
    this.history.rotated({ ...span, node, sessionId, generation });
  }

  async #rotateIfDue(node: TrafficNode, held: HeldToken): Promise<void> {
    const current = await this.use(node, held);
    if (current === undefined) return;
    this.history.threatened(held.sessionId);
    const { token } = await node.sessions.commit(work(current, { rotation: 'due' }));
    if (token !== null) this.#hold(held.userId, held.sessionId, token);
  }

  async #update(node: TrafficNode, held: HeldToken): Promise<void> {
    const current = await this.use(node, held);
    if (current === undefined) return;
    const updates = [{ key: 'count', apply: (count: unknown) => Number(count ?? 0) + 1 }];
    await node.sessions.commit(work(current, { updates }));
    this.updates.set(held.sessionId, (this.updates.get(held.sessionId) ?? 0) + 1);
  }

  async #revoke(node: TrafficNode, { sessionId }: HeldToken): Promise<void> {
    this.history.threatened(sessionId);
    const [, span] = await timed(() => node.sessions.revoke(sessionId));
    this.history.ended({ ...span, node, sessionId });
  }

  async #revokeAll(node: TrafficNode, userId: string, exceptId: string | null): Promise<void> {
    const except = exceptId === null ? {} : { except: exceptId };
    this.history.threatened(userId);
    const [, span] = await timed(() => node.sessions.revokeAllForUser(userId, except));
    this.history.ended({ ...span, node, userId, exceptId });
  }

  async #changePassword(node: TrafficNode, userId: string, exceptId: string | null): Promise<void> {
    const credential = `${userId}-${(this.#changes += 1)}`;
    const save = (): Promise<unknown> =>
      node.dataSource.getRepository(Account).save({ id: userId, passwordHash: credential });
    const context = { id: exceptId, userId, requireRotation: () => {} };
    const change = (): Promise<[unknown, Span]> =>
      timed(() => (exceptId === null ? save() : currentSession.run(context, save)));
    this.history.threatened(userId);
    const [, span] = await (node.inTransaction?.(change) ?? change());
    this.history.ended({ ...span, node, userId, exceptId, credential });
  }

  /** What an application reads and checks before it signs a user in: the credential as of now. */
  async #verify({ dataSource }: TrafficNode, id: string): Promise<string> {
    const { passwordHash } = await dataSource.getRepository(Account).findOneByOrFail({ id });
    return passwordHash;
  }

  #hold(userId: string, sessionId: string, token: string): HeldToken {
    const held = { token, sessionId, userId, generation: generationOf(token) };
    const tokens = this.#held.get(userId);
    if (tokens === undefined) this.#held.set(userId, [held]);
    else tokens.push(held);
    this.issued.add(sessionId);
    return held;
  }

  #node(index: number): TrafficNode {
    const node = this.nodes[index % this.nodes.length];
    if (node === undefined) throw new Error('Expected a node');
    return node;
  }
}

async function timed<T>(call: () => Promise<T>): Promise<[T, Span]> {
  const began = performance.now();
  const result = await call();
  return [result, { began, answered: performance.now() }];
}

/** As the token has it, behind its version and the session's id. */
function generationOf(token: string): number {
  return Buffer.from(token, 'base64url').readUInt32BE(17);
}

function work(current: ActiveSession, parts: Partial<SessionWork>): SessionWork {
  return {
    current,
    client: CLIENT,
    data: null,
    updates: [],
    signIn: null,
    rotation: null,
    expiry: {},
    authenticated: null,
    ...parts,
  };
}
