import type { Logger } from 'typeorm';

/** Remembers the statements of a data source. Give it as its `logger`, with `logging: true`. */
export class StatementLog implements Logger {
  readonly statements: string[] = [];
  /** The values that were bound, in the order of the statements. */
  readonly parameters: unknown[] = [];
  failureCount = 0;

  /** What `work` sent. */
  async during(work: () => Promise<unknown>): Promise<readonly string[]> {
    const before = this.statements.length;
    await work();
    return this.statements.slice(before);
  }

  logQuery(query: string, parameters: unknown[] = []): void {
    this.statements.push(query);
    this.parameters.push(...parameters);
  }

  logQueryError(_error: string | Error, query: string, parameters: unknown[] = []): void {
    this.failureCount += 1;
    this.statements.push(query);
    this.parameters.push(...parameters);
  }

  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}
