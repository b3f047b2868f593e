export interface Call {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Answers the calls of the process that started this one, and ends with it. */
export function handle(
  handlers: Readonly<Record<string, (input: never) => Promise<unknown>>>,
): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (call: Call) => void answer(call));

  async function answer({ id, name, input }: Call): Promise<void> {
    const handler = handlers[name] as ((input: unknown) => Promise<unknown>) | undefined;
    try {
      if (handler === undefined) throw new Error(`Expected a handler named "${name}", got none.`);
      process.send?.({ id, value: await handler(input) } satisfies Answer);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ id, error: text } satisfies Answer);
    }
  }
}
