/**
 * Reads nested options by path and collects every problem instead of stopping at the first. Paths that nobody asked for
 * are unknown options.
 */
export class OptionsReader {
  readonly #options: unknown;
  readonly #problems: string[] = [];
  readonly #known = new Set<string>();

  constructor(options: unknown) {
    this.#options = options;
  }

  /** The problems found, unknown options included. */
  finish(): readonly string[] {
    if (isRecord(this.#options)) this.#findUnknown(this.#options, '');
    return this.#problems;
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  has(path: string): boolean {
    return this.#at(path) !== undefined;
  }

  take(path: string): unknown {
    this.#known.add(path);
    return this.#at(path);
  }

  /** @returns NaN for a problem: compared with other options, it makes no second one. */
  integer(
    path: string,
    fallback: number | undefined,
    { min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number },
  ): number {
    const value = this.take(path) ?? fallback;
    const isInteger = typeof value === 'number' && Number.isSafeInteger(value);
    if (isInteger && value >= min && !(value > max)) return value;
    const range = max < Number.MAX_SAFE_INTEGER ? `from ${min} to ${max}` : `>= ${min}`;
    this.#expected(path, `an integer ${range}`, value);
    return Number.NaN;
  }

  boolean(path: string, fallback: boolean): boolean {
    const value = this.take(path) ?? fallback;
    if (typeof value === 'boolean') return value;
    this.#expected(path, 'a boolean', value);
    return fallback;
  }

  string(path: string): string {
    const value = this.take(path);
    if (typeof value === 'string' && value !== '') return value;
    this.#expected(path, 'a string', value);
    return '';
  }

  matching(path: string, fallback: string, pattern: RegExp, description: string): string {
    const value = this.take(path) ?? fallback;
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.#expected(path, description, value);
    return fallback;
  }

  oneOf<const T extends string>(
    path: string,
    fallback: T | undefined,
    values: readonly [T, ...T[]],
  ): T {
    const value = this.take(path) ?? fallback;
    const found = values.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    this.#expected(path, values.map((candidate) => `"${candidate}"`).join(' or '), value);
    return values[0];
  }

  list(
    path: string,
    fallback: readonly string[] | undefined,
    isValid: (value: unknown) => boolean,
    description: string,
  ): readonly string[] {
    const value = this.take(path) ?? fallback;
    if (Array.isArray(value) && value.every(isValid)) return [...(value as string[])];
    const wrong: unknown = Array.isArray(value) ? value.find((item) => !isValid(item)) : value;
    this.#expected(path, `a list, each ${description}`, wrong);
    return [];
  }

  object(path: string): Readonly<Record<string, unknown>> {
    const value = this.take(path);
    if (isRecord(value)) return value;
    this.#expectedObject(path, value);
    return {};
  }

  instance<T>(path: string, type: abstract new (...args: never[]) => T): T | null {
    const value = this.take(path);
    if (value === undefined) return null;
    if (value instanceof type) return value;
    this.#expected(path, `an instance of ${type.name}`, value);
    return null;
  }

  /** The names under `path`, each matching the pattern. */
  keys(path: string, pattern: RegExp): readonly string[] {
    const value = this.#at(path);
    if (value === undefined) return [];
    const names = isRecord(value) ? Object.keys(value) : [];
    if (names.length === 0) this.#known.add(path);
    if (!isRecord(value)) this.#expectedObject(path, value);
    for (const name of names.filter((candidate) => !pattern.test(candidate))) {
      this.#known.add(`${path}.${name}`);
      this.#expected(path, `an object with names like ${String(pattern)}`, name);
    }
    return names.filter((name) => pattern.test(name));
  }

  nullable<T, F extends T | null | undefined>(
    path: string,
    fallback: F,
    read: (path: string) => T,
  ): T | null {
    const value = this.take(path);
    if (value === null || (value === undefined && fallback === null)) return null;
    return read(path);
  }

  optional<T>(path: string, read: (path: string) => T): T | undefined {
    return this.take(path) === undefined ? undefined : read(path);
  }

  #at(path: string): unknown {
    return path
      .split('.')
      .reduce<unknown>(
        (value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined),
        this.#options,
      );
  }

  #expected(path: string, description: string, value: unknown): void {
    this.problem(`Expected \`${path}\` to be ${description}, got ${describe(value)}`);
  }

  /** Says nothing of the value but its type: a URL with a password may stand where an object belongs. */
  #expectedObject(path: string, value: unknown): void {
    this.problem(`Expected \`${path}\` to be an object, got ${typeOf(value)}`);
  }

  #findUnknown(options: Record<string, unknown>, prefix: string): void {
    for (const [key, value] of Object.entries(options)) {
      const path = `${prefix}${key}`;
      if (this.#known.has(path)) continue;
      const hasKnownParts = [...this.#known].some((known) => known.startsWith(`${path}.`));
      if (hasKnownParts && isRecord(value)) this.#findUnknown(value, `${path}.`);
      else if (hasKnownParts && value !== undefined) this.#expectedObject(path, value);
      else if (!hasKnownParts)
        this.problem(`Expected no option \`${path}\`: there is none of that name`);
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `${JSON.stringify(value)} (string)`;
  const hasText = ['number', 'bigint', 'boolean', 'symbol'].includes(typeof value);
  return hasText ? `${String(value)} (${typeof value})` : typeOf(value);
}

function typeOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return `a ${typeof value}`;
}
