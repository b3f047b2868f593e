import type { EntitySubscriberInterface, QueryRunner } from 'typeorm';

interface TransactionEvent {
  readonly queryRunner: QueryRunner;
}

/** What is to be called after the commit: one list for the transaction and one for each savepoint in it. */
type Levels = (() => void)[][];

/** Watches the application's transactions on a data source. */
export class TransactionWatch implements EntitySubscriberInterface {
  readonly #levels = new WeakMap<QueryRunner, Levels>();

  /** Calls back once the transaction on the runner has committed; never where it, or the savepoint, is rolled back. */
  afterCommit(queryRunner: QueryRunner, callback: () => void): void {
    this.#levelsOf(queryRunner).at(-1)?.push(callback);
  }

  afterTransactionStart({ queryRunner }: TransactionEvent): void {
    const levels = this.#levels.get(queryRunner) ?? [];
    levels.push([]);
    this.#levels.set(queryRunner, levels);
  }

  afterTransactionCommit({ queryRunner }: TransactionEvent): void {
    const levels = this.#levelsOf(queryRunner);
    const callbacks = levels.pop() ?? [];
    if (queryRunner.isTransactionActive) levels.at(-1)?.push(...callbacks);
    else this.#end(queryRunner, callbacks);
  }

  afterTransactionRollback({ queryRunner }: TransactionEvent): void {
    this.#levelsOf(queryRunner).pop();
    if (!queryRunner.isTransactionActive) this.#end(queryRunner, []);
  }

  #end(queryRunner: QueryRunner, callbacks: readonly (() => void)[]): void {
    this.#levels.delete(queryRunner);
    for (const callback of callbacks) callback();
  }

  /** A transaction that began before the watch did has one list. */
  #levelsOf(queryRunner: QueryRunner): Levels {
    const levels = this.#levels.get(queryRunner) ?? [[]];
    this.#levels.set(queryRunner, levels);
    return levels;
  }
}
