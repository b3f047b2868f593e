import type { HttpRequest } from './http-request.js';

/** Where a page puts the token of `RequestSession.csrfToken`: this header, or this field of the body. Never the query. */
const CSRF_HEADER = 'x-csrf-token';
const CSRF_FIELD = '_csrf';

/** The CSRF token of a request, unchecked; the header's where there are both. */
export function presentedCsrfToken({ headers, body }: HttpRequest): unknown {
  if (headers[CSRF_HEADER] !== undefined) return headers[CSRF_HEADER];
  const isObject = typeof body === 'object' && body !== null;
  return isObject && Object.hasOwn(body, CSRF_FIELD)
    ? (body as Record<string, unknown>)[CSRF_FIELD]
    : undefined;
}
