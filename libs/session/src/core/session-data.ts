import { SessionError } from './errors.js';
import type { DataPatch } from './session-store.js';

/**
 * The application's own data in a session. Declare its keys once and they are typed everywhere:
 *
 * ```ts
 * declare module 'nestjs-curfew' {
 *   interface SessionData { cart: Record<string, number> }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface SessionData {}

/** A session's data: the declared keys, each perhaps absent, and any other. */
export type SessionDataRecord = Partial<SessionData> & Record<string, unknown>;

/** Largest size of a session's data by default, in bytes of JSON. */
export const DEFAULT_MAX_DATA_BYTES = 64 * 1024;

/** Deepest nesting of a value. MariaDB's JSON functions stop at 32 levels, of which the data object is one. */
export const MAX_DATA_DEPTH = 30;

/** Longest key, in characters. */
export const MAX_DATA_KEY_LENGTH = 128;

/** Quotes, backslashes and control characters cannot stand in a JSON path on every database. */
// eslint-disable-next-line no-control-regex
const KEY_PATTERN = /^[^"\\\u0000-\u001f\u007f]+$/;

/** An empty data object. Without a prototype: no key of the application's can reach one. */
export function emptyData(): SessionDataRecord {
  return Object.create(null) as SessionDataRecord;
}

/** The data that a store holds as text. */
export function parseData(text: string | null): SessionDataRecord {
  if (text === null) return emptyData();
  return Object.assign(emptyData(), JSON.parse(text) as Record<string, unknown>);
}

/**
 * The patch that leads from one version of the data to another: changed keys are compared by value, so that a change
 * deep inside one is found. `undefined` where nothing changed; a key set to `undefined` is a key removed.
 *
 * @throws `SESSION_DATA_KEY_REFUSED`, `SESSION_DATA_NOT_JSON`; nothing is written then.
 */
export function diffData(
  before: SessionDataRecord,
  after: SessionDataRecord,
): DataPatch | undefined {
  const set: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const text = serializeEntry(key, value);
    if (!Object.hasOwn(before, key) || JSON.stringify(before[key]) !== text) set[key] = text;
  }
  const remove = Object.keys(before).filter((key) => after[key] === undefined);
  return Object.keys(set).length === 0 && remove.length === 0 ? undefined : { set, remove };
}

/** The data with a patch applied to it. */
export function applyPatch(data: SessionDataRecord, { set, remove }: DataPatch): SessionDataRecord {
  const patched = Object.assign(emptyData(), data);
  for (const [key, text] of Object.entries(set)) patched[key] = JSON.parse(text);
  for (const key of remove) delete patched[key];
  return patched;
}

/**
 * The data as JSON text; `null` where there is no key.
 * @throws `SESSION_DATA_KEY_REFUSED`, `SESSION_DATA_NOT_JSON`
 */
export function serializeData(data: SessionDataRecord): string | null {
  const entries = Object.entries(data)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}:${serializeEntry(key, value)}`);
  return entries.length === 0 ? null : `{${entries.join(',')}}`;
}

/** @throws `SESSION_DATA_TOO_LARGE` where the data takes more than `maxBytes` as JSON. */
export function assertDataFits(data: SessionDataRecord, maxBytes: number): void {
  const size = Buffer.byteLength(serializeData(data) ?? '');
  if (size <= maxBytes) return;
  throw new SessionError(
    'SESSION_DATA_TOO_LARGE',
    `Expected at most ${maxBytes} bytes of session data, got ${size}. Keep large values elsewhere and their ids in the session.`,
  );
}

function serializeEntry(key: string, value: unknown): string {
  if (!isStorableKey(key)) {
    throw new SessionError(
      'SESSION_DATA_KEY_REFUSED',
      `Expected a key of 1 to ${MAX_DATA_KEY_LENGTH} characters without quotes, backslashes or control characters, and not "__proto__", got ${JSON.stringify(key.slice(0, MAX_DATA_KEY_LENGTH))}.`,
    );
  }
  assertJson(value, key, 1);
  return JSON.stringify(value);
}

function isStorableKey(key: string): boolean {
  return (
    key.length <= MAX_DATA_KEY_LENGTH &&
    key !== '__proto__' &&
    KEY_PATTERN.test(key) &&
    key.isWellFormed()
  );
}

function assertJson(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (typeof value === 'string' && isStorableText(value)) return;
  if (typeof value !== 'object') throw notJson(path, describe(value));
  if (depth > MAX_DATA_DEPTH) throw notJson(path, `more than ${MAX_DATA_DEPTH} levels of nesting`);
  for (const [key, child] of childrenOf(value, path)) {
    assertJson(child, `${path}.${key}`, depth + 1);
  }
}

function childrenOf(value: object, path: string): [string, unknown][] {
  if (Array.isArray(value)) return elementsOf(value, path);
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) {
    throw notJson(path, `an instance of ${value.constructor?.name ?? 'an unknown class'}`);
  }
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  const refused = entries.find(([key]) => key === '__proto__' || !isStorableText(key));
  if (refused !== undefined) throw notJson(path, `the key ${JSON.stringify(refused[0])}`);
  return entries;
}

/** JSON holds elements and nothing else: the groups of a match would be lost, and a `toJSON` would write what was not checked. */
function elementsOf(value: readonly unknown[], path: string): [string, unknown][] {
  const { length } = Object.keys(value);
  if ('toJSON' in value || length > value.length) {
    throw notJson(path, 'an array with properties of its own');
  }
  return Array.from(value, (child, index) => [`${index}`, child]);
}

/** PostgreSQL's jsonb holds neither NUL nor half a surrogate pair. */
function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return 'a string with a NUL or half a surrogate pair';
  return typeof value;
}

function notJson(path: string, got: string): SessionError {
  return new SessionError(
    'SESSION_DATA_NOT_JSON',
    `Expected a JSON value at ${JSON.stringify(path)}, got ${got}. Store plain objects, arrays, strings, finite numbers, booleans and null.`,
  );
}
