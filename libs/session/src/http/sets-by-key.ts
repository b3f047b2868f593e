/** Finds what belongs to a key. Keys that nothing belongs to take no room. */
export class SetsByKey<Item> {
  readonly #sets = new Map<string, Set<Item>>();

  get(key: string): readonly Item[] {
    return [...(this.#sets.get(key) ?? [])];
  }

  add(key: string, item: Item): void {
    const set = this.#sets.get(key) ?? new Set();
    this.#sets.set(key, set.add(item));
  }

  delete(key: string, item: Item): void {
    const set = this.#sets.get(key);
    set?.delete(item);
    if (set?.size === 0) this.#sets.delete(key);
  }
}
