/** Most keys that are remembered one by one. */
const MAX_KEYS = 1000;

/**
 * What was evicted last, and in which order: a read that began before an eviction brings back what was true before it.
 * Bounded: of too many evictions it only remembers that there were some, as if everything had been evicted.
 */
export class EvictionLog {
  #position = 0;
  #allAt = 0;
  readonly #evictedAt = new Map<string, number>();

  get position(): number {
    return this.#position;
  }

  evict(key: string): void {
    if (this.#evictedAt.size >= MAX_KEYS) return this.evictAll();
    this.#position += 1;
    this.#evictedAt.set(key, this.#position);
  }

  evictAll(): void {
    this.#position += 1;
    this.#allAt = this.#position;
    this.#evictedAt.clear();
  }

  /** Whether the key was evicted after that position. */
  hasEvicted(key: string, since: number): boolean {
    return Math.max(this.#allAt, this.#evictedAt.get(key) ?? 0) > since;
  }
}
