/** The keys of entries, by session and by user. */
export class EntryIndex {
  readonly #bySession = new Map<string, string>();
  readonly #byUser = new Map<string, Set<string>>();

  /** How much it holds: sessions, users, and the keys of these. */
  get size(): number {
    let size = this.#bySession.size;
    for (const keys of this.#byUser.values()) size += 1 + keys.size;
    return size;
  }

  ofSession(sessionId: string): string | undefined {
    return this.#bySession.get(sessionId);
  }

  ofUser(userId: string): readonly string[] {
    return [...(this.#byUser.get(userId) ?? [])];
  }

  add(key: string, { id, userId }: { readonly id: string; readonly userId: string | null }): void {
    this.#bySession.set(id, key);
    if (userId === null) return;
    const keys = this.#byUser.get(userId) ?? new Set();
    this.#byUser.set(userId, keys.add(key));
  }

  delete(
    key: string,
    { id, userId }: { readonly id: string; readonly userId: string | null },
  ): void {
    this.#bySession.delete(id);
    const keys = userId === null ? undefined : this.#byUser.get(userId);
    keys?.delete(key);
    if (userId !== null && keys?.size === 0) this.#byUser.delete(userId);
  }
}
