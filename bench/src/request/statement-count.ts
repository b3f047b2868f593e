import pg from 'pg';

let statements = 0;
let updates = 0;

const { prototype } = pg.Client;
const { query } = prototype;
// Whatever a pool, TypeORM or a store sends goes through here, BEGIN and COMMIT included.
prototype.query = function countedQuery(this: pg.Client, ...args: unknown[]) {
  statements += 1;
  const [first] = args as [string | { readonly text?: string }];
  const text = typeof first === 'string' ? first : first.text;
  if (text !== undefined && /^\s*update\b/i.test(text)) updates += 1;
  return Reflect.apply(query, this, args);
} as typeof query;

/** Statements that this process has sent to PostgreSQL. */
export function statementCount(): number {
  return statements;
}

/** Those of them that are an UPDATE. */
export function updateCount(): number {
  return updates;
}
