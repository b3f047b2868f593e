import type { Client } from 'undici';

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** `name=value` of the cookie that was set, if one was. */
  readonly cookie: string | null;
}

/** One request on a connection of its own, and what came back. */
export function exchange(
  client: Client,
  method: 'GET' | 'POST',
  path: string,
  cookie: string | null,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let set: string | null = null;
    let body = '';
    client.dispatch(
      { method, path, headers: cookie === null ? [] : ['cookie', cookie] },
      {
        onConnect: () => {},
        onHeaders: (code, headers) => {
          status = code;
          set = cookieIn(headers);
          return true;
        },
        onData: (chunk) => {
          body += chunk.toString();
          return true;
        },
        onComplete: () => resolve({ status, body, cookie: set }),
        onError: reject,
      },
    );
  });
}

function cookieIn(headers: readonly Buffer[]): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toString().toLowerCase() !== 'set-cookie') continue;
    return headers[index + 1]?.toString().split(';')[0] ?? null;
  }
  return null;
}
