import {
  diffData,
  emptyData,
  parseData,
  serializeData,
  type SessionDataRecord,
} from '../core/session-data.js';
import type { KeyUpdate, SessionWork } from '../core/session-work.js';

/** What stands in for the text of a value that has none; the commit says what is wrong with it. */
const NO_JSON = 'no JSON';

/** An atomic update that waits for the commit: its key's text before it and after it, as this request saw them. */
interface PendingUpdate {
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly apply: readonly KeyUpdate['apply'][];
}

/**
 * A request's working copy of the session's data, parsed when it is first looked at. Changes are found by comparison with
 * the text that was read, so that one deep inside a value counts.
 */
export class RequestSessionData {
  #stored: string | null;
  #working: SessionDataRecord | undefined;
  #updates: Map<string, PendingUpdate> | undefined;

  /** @param stored JSON text of the data; `null` for none. */
  constructor(stored: string | null) {
    this.#stored = stored;
  }

  get working(): SessionDataRecord {
    return (this.#working ??= parseData(this.#stored));
  }

  /** Whether there is something to commit. A value that is no JSON counts: the commit refuses it. */
  get isChanged(): boolean {
    if (this.#working === undefined) return false;
    if (this.#updates !== undefined && this.#updates.size > 0) return true;
    try {
      return diffData(parseData(this.#stored), this.#working) !== undefined;
    } catch {
      return true;
    }
  }

  /** Applies `apply` to the working copy now, and to the newest stored value at the commit. */
  update(key: string, apply: KeyUpdate['apply']): void {
    const { working } = this;
    const earlier = this.#pendingUpdate(key);
    const before = textOf(working[key]);
    working[key] = apply(structuredClone(working[key]));
    this.#updates ??= new Map();
    this.#updates.set(key, {
      before: earlier === undefined ? before : earlier.before,
      after: textOf(working[key]),
      apply: [...(earlier?.apply ?? []), apply],
    });
  }

  clear(): void {
    for (const key of Object.keys(this.working)) delete this.working[key];
    this.#updates = undefined;
  }

  /** What to commit. A key that was set after its update was set last: the update is dropped. */
  changes(): Pick<SessionWork, 'data' | 'updates'> {
    if (this.#working === undefined) return { data: null, updates: [] };
    const after = Object.assign(emptyData(), this.#working);
    const updates: KeyUpdate[] = [];
    for (const key of this.#updates?.keys() ?? []) {
      const update = this.#pendingUpdate(key);
      if (update === undefined) continue;
      after[key] = update.before === undefined ? undefined : (JSON.parse(update.before) as unknown);
      updates.push(...update.apply.map((apply) => ({ key, apply })));
    }
    return { data: { before: parseData(this.#stored), after }, updates };
  }

  /**
   * Takes note that the changes were stored. The working copy stays the same object, as the handler may hold on to it;
   * updated keys take the value that was really stored.
   */
  committed(stored: string | null): void {
    if (this.#working === undefined) {
      this.#stored = stored;
      return;
    }
    const newest = parseData(stored);
    for (const key of this.#updates?.keys() ?? []) {
      if (this.#pendingUpdate(key) !== undefined) this.#working[key] = newest[key];
    }
    this.#updates = undefined;
    this.#stored = serializeData(this.#working);
  }

  #pendingUpdate(key: string): PendingUpdate | undefined {
    const update = this.#updates?.get(key);
    return update?.after === textOf(this.working[key]) ? update : undefined;
  }
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return NO_JSON;
  }
}
