import type { DataPatch } from '../../core/session-store.js';
import { join, Parameter, sql, type Sql } from '../sql.js';
import type { PatchExpression } from './dialect.js';

/** SQLite takes at most 127 arguments of a function: the document and 63 pairs. */
const MAX_PAIRS = 50;

/** How a database names a key and reads a value. */
export interface JsonSyntax {
  /** The path of a key, which holds no quote and no backslash: `core/session-data.ts` refuses them. */
  path(key: string): string;
  /** JSON text as a JSON value. */
  parse(text: Parameter): Sql;
}

/** A patch by `json_remove` and `json_set`. */
export function patchByPath(
  document: Sql,
  { set, remove }: DataPatch,
  { path, parse }: JsonSyntax,
): PatchExpression {
  const values: Record<string, string> = {};
  const bind = (name: string, value: string): Parameter => {
    values[name] = value;
    return new Parameter(name, 'text');
  };
  const removed = remove.map((key, index) => sql`${bind(`remove${index}`, path(key))}`);
  const pairs = Object.entries(set).map(
    ([key, text], index) =>
      sql`${bind(`key${index}`, path(key))}, ${parse(bind(`value${index}`, text))}`,
  );
  const expression = nest('json_set', nest('json_remove', document, removed), pairs);
  return { expression, values };
}

function nest(name: string, document: Sql, rest: readonly Sql[]): Sql {
  let expression = document;
  for (let start = 0; start < rest.length; start += MAX_PAIRS) {
    const some = rest.slice(start, start + MAX_PAIRS);
    expression = sql`${name}(${expression}, ${join(some, ', ')})`;
  }
  return expression;
}
