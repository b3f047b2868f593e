import type { Logger } from 'typeorm';

/** Remembers the statements of a data source. Give it as its `logger`, with `logging: true`. */
export class StatementLog implements Logger {
  readonly statements: string[] = [];
  failureCount = 0;

  /** What `work` sent. */
  async during(work: () => Promise<unknown>): Promise<readonly string[]> {
    const before = this.statements.length;
    await work();
    return this.statements.slice(before);
  }

  logQuery(query: string): void {
    this.statements.push(query);
  }

  logQueryError(): void {
    this.failureCount += 1;
  }

  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}
