/** A stream of server-sent events, read event by event. */
export class EventStream {
  readonly #reader: AsyncIterator<string>;
  #buffer = '';

  private constructor(
    readonly response: Response,
    private readonly abort: AbortController,
  ) {
    const body = response.body ?? new ReadableStream<Uint8Array>();
    const texts = body.pipeThrough(new TextDecoderStream()) as AsyncIterable<string>;
    this.#reader = texts[Symbol.asyncIterator]();
  }

  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<EventStream> {
    const abort = new AbortController();
    return new EventStream(await fetch(url, { headers, signal: abort.signal }), abort);
  }

  /** The fields of the next event, by name; `undefined` once the stream has ended. */
  async next(): Promise<Readonly<Record<string, string>> | undefined> {
    while (!/\S[^]*?\n\n/.test(this.#buffer)) {
      const chunk = await this.#reader.next();
      if (chunk.done === true) return undefined;
      this.#buffer += chunk.value;
    }
    const text = this.#buffer.trimStart();
    const end = text.indexOf('\n\n');
    this.#buffer = text.slice(end + 2);
    const lines = text.slice(0, end).split('\n');
    return Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
  }

  close(): void {
    this.abort.abort();
  }
}
