import type {
  AfterQueryEvent,
  BeforeQueryEvent,
  EntitySubscriberInterface,
  QueryRunner,
} from 'typeorm';

import { isKeepingSessions } from '../core/keeping-sessions.js';
import type { KeepingMark } from '../store/trigger/credential-trigger.js';

/** What begins and ends transactions and savepoints. */
const CONTROL = /^\s*(?:start|begin|commit|end|rollback|abort|savepoint|release|set)\b/i;

/**
 * Tells the trigger on the users' table which statements end no session: those inside `keepingSessions`, SQL of the
 * application's own included. Each is marked in its transaction, just before, and the mark is taken back right after it,
 * even where it failed. What is not in a transaction cannot be marked, and ends sessions.
 */
export class KeepingWatch implements EntitySubscriberInterface {
  readonly #marked = new WeakSet<QueryRunner>();

  constructor(private readonly mark: KeepingMark) {}

  beforeQuery({ query, queryRunner }: BeforeQueryEvent): Promise<void> | void {
    if (this.#isOwn(query)) return;
    const isMarked = this.#marked.has(queryRunner);
    const keeps = isKeepingSessions() && queryRunner.isTransactionActive && !CONTROL.test(query);
    if (keeps && !isMarked) return this.#set(queryRunner);
    // Left over where a statement was marked and not sent, as another subscriber refused it.
    if (!keeps && isMarked) return this.#clear(queryRunner);
  }

  afterQuery({ query, queryRunner, success }: AfterQueryEvent): Promise<void> | void {
    if (this.#isOwn(query) || !this.#marked.has(queryRunner)) return;
    if (success) return this.#clear(queryRunner);
    if (this.mark.diesWithFailure) this.#marked.delete(queryRunner);
    // Whoever sent the statement is told why that failed. If this fails too, the connection is gone.
    else return this.#clear(queryRunner).catch(() => {});
  }

  async #set(queryRunner: QueryRunner): Promise<void> {
    this.#marked.add(queryRunner);
    await queryRunner.query(this.mark.set);
  }

  async #clear(queryRunner: QueryRunner): Promise<void> {
    this.#marked.delete(queryRunner);
    await queryRunner.query(this.mark.clear);
  }

  #isOwn(query: string): boolean {
    return query === this.mark.set || query === this.mark.clear;
  }
}
