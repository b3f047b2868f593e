import { request } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends header lines as they are, repeated ones and odd bytes included, which `fetch` would tidy up. */
export function rawRequest(
  origin: string,
  method: string,
  path: string,
  headerLines: readonly string[] = [],
  text?: string,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const headers = ['Host', `${hostname}:${port}`, 'Connection', 'close', ...headerLines];
    const outgoing = request({ hostname, port, method, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}
