import type { DataSourceOptions } from 'typeorm';

/** A test database as the reference app's `DATABASE_URL`. */
export function databaseUrlOf(options: DataSourceOptions): string {
  return 'url' in options ? (options.url ?? '') : `sqlite:${String(options.database)}`;
}
