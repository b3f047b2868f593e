/** A span between the moment in which a call was made and the moment in which its answer was there, in milliseconds. */
export interface Span {
  readonly began: number;
  readonly answered: number;
}

/** A token that a client was given. */
export interface HeldToken {
  readonly token: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly generation: number;
}

interface Login extends Span {
  readonly sessionId: string;
  readonly userId: string;
  /** What it was proven with, where that is a credential which may change. */
  readonly credential?: string;
}

/** What a node answered. */
interface Answer extends Span {
  /** Whatever tells the node from others. */
  readonly node: unknown;
}

interface Use extends Answer {
  readonly token: HeldToken;
  readonly isAccepted: boolean;
}

/** Of all sessions of a user but one. */
interface UserEnd extends Answer {
  readonly userId: string;
  readonly exceptId: string | null;
  readonly credential?: string;
}

/** An end that was acknowledged: of one session, or of a user's. */
type End = (Answer & { readonly sessionId: string }) | UserEnd;

/** A rotation that was acknowledged: the tokens before this generation are dead. */
interface Rotation extends Answer {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * What clients saw of sessions, from however many nodes, and whether it can have been so: a session that was ended stays
 * ended. What failed without an answer is not recorded: nobody knows whether it happened.
 */
export class SessionHistory {
  /** When the change that set a credential was acknowledged. */
  readonly #setAt = new Map<string, number>();
  readonly #logins = new Map<string, Login>();
  readonly #uses: Use[] = [];
  readonly #ends: End[] = [];
  readonly #rotations: Rotation[] = [];
  /** By session or user, when somebody first tried to end what they have. */
  readonly #threatenedAt = new Map<string, number>();

  get size(): number {
    return this.#logins.size + this.#uses.length + this.#ends.length + this.#rotations.length;
  }

  /** How many uses were accepted and how many refused. */
  get useCounts(): { readonly accepted: number; readonly refused: number } {
    const accepted = this.#uses.filter(({ isAccepted }) => isAccepted).length;
    return { accepted, refused: this.#uses.length - accepted };
  }

  /** A credential that was there before everything else. */
  started(credential: string): void {
    this.#setAt.set(credential, 0);
  }

  /** From now on the session, or all of the user, may be refused: somebody tries to end or rotate them. */
  threatened(sessionOrUserId: string): void {
    if (this.#threatenedAt.has(sessionOrUserId)) return;
    this.#threatenedAt.set(sessionOrUserId, performance.now());
  }

  loggedIn(login: Login): void {
    this.#logins.set(login.sessionId, login);
  }

  used(use: Use): void {
    this.#uses.push(use);
  }

  ended(end: End): void {
    this.#ends.push(end);
    if ('credential' in end) this.#setAt.set(end.credential, end.answered);
  }

  rotated(rotation: Rotation): void {
    this.#rotations.push(rotation);
  }

  /**
   * Everything that must not have happened, in words.
   * @param boundMs how much later than its acknowledged end a session may still be accepted by other nodes than the one
   * that ended it: 0 without a cache.
   * @param ownBoundMs the same by that node itself.
   */
  violations(boundMs = 0, ownBoundMs = 0): readonly string[] {
    const sessionEnds = this.#endsBySession();
    const tokenEnds = groupBy(this.#rotations, ({ sessionId }) => sessionId);
    const isLate = ({ node, began }: Use, end: { node: unknown; at: number }): boolean =>
      began > end.at + (node === end.node ? ownBoundMs : boundMs);
    return [
      ...this.#usesAfterTheirEnd(isLate, sessionEnds, tokenEnds),
      ...this.#refusalsForNoReason(),
      ...this.#twoSuccessors(),
    ];
  }

  *#usesAfterTheirEnd(
    isLate: (use: Use, end: { node: unknown; at: number }) => boolean,
    sessionEnds: ReadonlyMap<string, ReadonlyMap<unknown, number>>,
    tokenEnds: ReadonlyMap<string, readonly Rotation[]>,
  ): Generator<string> {
    for (const use of this.#uses) {
      if (!use.isAccepted) continue;
      const { token, began } = use;
      const { sessionId, generation } = token;
      for (const [node, at] of sessionEnds.get(sessionId) ?? []) {
        if (!isLate(use, { node, at })) continue;
        yield `session ${sessionId} accepted ${since(at, began)} after its end was acknowledged by ${whose(use.node, node)}`;
      }
      for (const { node, answered: at, generation: next } of tokenEnds.get(sessionId) ?? []) {
        if (generation >= next || !isLate(use, { node, at })) continue;
        yield `token ${generation} of session ${sessionId} accepted ${since(at, began)} after it was rotated away by ${whose(use.node, node)}`;
      }
    }
  }

  /** An outage must not look like an end. */
  *#refusalsForNoReason(): Generator<string> {
    for (const { token, answered, isAccepted } of this.#uses) {
      const { sessionId, userId } = token;
      const threats = [sessionId, userId].map((id) => this.#threatenedAt.get(id) ?? Infinity);
      if (!isAccepted && answered < Math.min(...threats)) {
        yield `session ${sessionId} refused although nobody had tried to end it`;
      }
    }
  }

  *#twoSuccessors(): Generator<string> {
    const keyOf = ({ sessionId, generation }: Rotation): string => `${sessionId} ${generation}`;
    for (const [key, rotations] of groupBy(this.#rotations, keyOf)) {
      if (rotations.length > 1) yield `${rotations.length} rotations gave out token ${key}`;
    }
  }

  /** By session and node, when its first end was acknowledged. */
  #endsBySession(): ReadonlyMap<string, ReadonlyMap<unknown, number>> {
    const firstEnds = new Map<string, Map<unknown, number>>();
    const first = (sessionId: string, { node, answered }: End): void => {
      const byNode = firstEnds.get(sessionId) ?? new Map<unknown, number>();
      byNode.set(node, Math.min(byNode.get(node) ?? Infinity, answered));
      firstEnds.set(sessionId, byNode);
    };
    for (const end of this.#ends) if ('sessionId' in end) first(end.sessionId, end);
    const logins = groupBy([...this.#logins.values()], ({ userId }) => userId);
    for (const ends of this.#endsOfUsers()) {
      const changes = ends.filter(({ credential }) => credential !== undefined);
      for (const login of logins.get(ends[0]?.userId ?? '') ?? []) {
        const { answered, credential = '', sessionId } = login;
        const byTime = firstAfter(ends, answered, sessionId);
        // Proven with a credential that was older than the one which a change set, at whatever moment.
        const setAt = this.#setAt.get(credential) ?? Infinity;
        const byCredential = firstAfter(changes, setAt, sessionId);
        if (byTime !== undefined) first(sessionId, byTime);
        if (byCredential !== undefined) first(sessionId, byCredential);
      }
    }
    return firstEnds;
  }

  /** Those of one user by one node, in the order in which they were acknowledged. */
  #endsOfUsers(): readonly UserEnd[][] {
    const ends = this.#ends.filter((end) => 'userId' in end);
    const nodes = [...new Set(ends.map(({ node }) => node))];
    return nodes
      .map((node) => ends.filter((end) => end.node === node))
      .flatMap((own) => [...groupBy(own, ({ userId }) => userId).values()])
      .map((own) => own.toSorted((a, b) => a.answered - b.answered));
  }
}

/** The first that began after a moment and ends the session; by halves, as a long run has many. */
function firstAfter(
  ends: readonly UserEnd[],
  moment: number,
  sessionId: string,
): UserEnd | undefined {
  let [from, to] = [0, ends.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if ((ends[middle]?.answered ?? Infinity) > moment) to = middle;
    else from = middle + 1;
  }
  for (; from < ends.length; from += 1) {
    const end = ends[from];
    if (end !== undefined && end.began > moment && end.exceptId !== sessionId) return end;
  }
  return undefined;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function since(from: number, to: number): string {
  return `${(to - from).toFixed(2)} ms`;
}

function whose(node: unknown, other: unknown): string {
  return node === other ? 'the same node' : 'another node';
}
