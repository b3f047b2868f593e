/** Reads environment variables by type and collects every problem instead of stopping at the first. Empty is unset. */
export class EnvironmentReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: NodeJS.ProcessEnv) {}

  problem(text: string): void {
    this.problems.push(text);
  }

  optional(name: string): string | undefined {
    return this.environment[name] || undefined;
  }

  required(name: string, description: string): string {
    const value = this.optional(name);
    if (value === undefined) this.problem(`Expected ${name} to be set: ${description}`);
    return value ?? '';
  }

  integer(name: string, fallback: number, range: { min: number; max?: number }): number {
    return this.optionalInteger(name, range) ?? fallback;
  }

  optionalInteger(
    name: string,
    { min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number },
  ): number | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    this.problem(`Expected ${name} to be an integer ${range}, got "${text}"`);
    return undefined;
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.oneOf(name, fallback ? 'true' : 'false', ['true', 'false']) === 'true';
  }

  oneOf<const T extends string>(name: string, fallback: T, values: readonly T[]): T {
    const text = this.optional(name) ?? fallback;
    const found = values.find((value) => value === text);
    if (found === undefined) {
      this.problem(`Expected ${name} to be ${values.join(' or ')}, got "${text}"`);
    }
    return found ?? fallback;
  }
}
