import { diagnostics } from '../core/session-diagnostics.js';
import type { SessionRecord } from '../core/session.js';

/** Most ids in one statement. */
export const MAX_LOOKUPS = 500;

/** Longest wait for the statement under way, in milliseconds: one that hangs must not hold up the others. */
const MAX_WAIT_MS = 25;

class Lookup {
  resolve!: (record: SessionRecord | undefined) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<SessionRecord | undefined>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/**
 * Puts look-ups that are asked for together into one statement: those of one turn of the event loop, and those that
 * come while a statement is under way. A look-up never joins a statement that was sent before it was asked for, so it
 * sees everything that was written before.
 */
export class LookupBatcher {
  readonly #findAll: (ids: readonly string[]) => Promise<ReadonlyMap<string, SessionRecord>>;
  #waiting = new Map<string, Lookup>();
  #underWay = 0;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(findAll: (ids: readonly string[]) => Promise<ReadonlyMap<string, SessionRecord>>) {
    this.#findAll = findAll;
  }

  /** A statement that fails rejects all the look-ups in it. */
  find(id: string): Promise<SessionRecord | undefined> {
    const lookup = this.#waiting.get(id) ?? this.#wait(id);
    if (this.#waiting.size >= MAX_LOOKUPS) this.#send();
    else if (this.#underWay === 0) this.#immediate ??= setImmediate(() => this.#send());
    else this.#timer ??= setTimeout(() => this.#send(), MAX_WAIT_MS);
    return lookup.promise;
  }

  #wait(id: string): Lookup {
    const lookup = new Lookup();
    this.#waiting.set(id, lookup);
    return lookup;
  }

  #send(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#immediate = this.#timer = undefined;
    const lookups = this.#waiting;
    if (lookups.size === 0) return;
    this.#waiting = new Map();
    void this.#answer(lookups);
  }

  async #answer(lookups: ReadonlyMap<string, Lookup>): Promise<void> {
    this.#underWay += 1;
    const channel = diagnostics['curfew:lookup'];
    if (channel.hasSubscribers) channel.publish({ count: lookups.size });
    try {
      const records = await this.#findAll([...lookups.keys()]);
      for (const [id, lookup] of lookups) lookup.resolve(records.get(id));
    } catch (error) {
      for (const lookup of lookups.values()) lookup.reject(error);
    } finally {
      this.#underWay -= 1;
      this.#send();
    }
  }
}
