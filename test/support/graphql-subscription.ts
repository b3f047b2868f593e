import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

/** Subscribes over a socket of its own, and returns what came until the end; errors of the operation as `{ errors }`. */
export async function subscribe(
  origin: string,
  headers: Readonly<Record<string, string>>,
  selection: string,
  connectionParams: Record<string, unknown> = {},
): Promise<readonly unknown[]> {
  const client = createClient({
    url: `${origin.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: class extends WebSocket {
      constructor(url: string, protocols: string | string[]) {
        super(url, protocols, { headers });
      }
    },
    connectionParams,
    retryAttempts: 0,
  });
  const results: unknown[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      client.subscribe(
        { query: `subscription ${selection}` },
        {
          next: (result) => results.push(result),
          complete: resolve,
          error: (error) => {
            if (!Array.isArray(error)) {
              reject(new Error('Expected errors of the operation, got a failed socket'));
            } else {
              results.push({ errors: error as unknown[] });
              resolve();
            }
          },
        },
      );
    });
  } finally {
    await client.dispose();
  }
  return results;
}
