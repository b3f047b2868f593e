/** What a browser got back. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown;
}

/** Something that keeps cookies, as a browser does, and sends JSON. Attributes of cookies are not its business. */
export class Browser {
  readonly cookies = new Map<string, string>();

  constructor(
    private readonly origin: string,
    private readonly userAgent = 'test',
  ) {}

  get(path: string): Promise<Answer> {
    return this.request('GET', path);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.request('POST', path, body);
  }

  put(path: string, body?: unknown): Promise<Answer> {
    return this.request('PUT', path, body);
  }

  delete(path: string): Promise<Answer> {
    return this.request('DELETE', path);
  }

  request(method: string, path: string, body?: unknown): Promise<Answer> {
    return body === undefined
      ? this.send(method, path)
      : this.send(method, path, JSON.stringify(body), { 'content-type': 'application/json' });
  }

  /** Sends text as it is. */
  async send(
    method: string,
    path: string,
    text?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, this.origin), {
      method,
      redirect: 'manual',
      headers: {
        'user-agent': this.userAgent,
        ...(cookie === '' ? {} : { cookie }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
    for (const line of response.headers.getSetCookie()) this.keep(line);
    const answer = await response.text();
    const isJson = answer !== '' && response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? (JSON.parse(answer) as unknown) : answer,
    };
  }

  /** Takes a `Set-Cookie` line. */
  keep(line: string): void {
    const [pair = ''] = line.split(';');
    const [name = '', value = ''] = pair.split('=');
    if (/;\s*max-age=0\b/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
