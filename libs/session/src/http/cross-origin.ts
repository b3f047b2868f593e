import type { HttpExchange, HttpRequest } from './http-request.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Whether a request may change something (RFC 9110 section 9.2.1). */
export function isUnsafe({ method }: HttpRequest): boolean {
  return !SAFE_METHODS.has(method);
}

/** Why a request counts as one of another origin. */
export type ForeignOrigin = 'same-site' | 'cross-site' | 'other-origin';

/**
 * Whether an unsafe request was caused by a page of another origin; `null` where it was not.
 *
 * The browser's own word comes first: `Sec-Fetch-Site`, which pages cannot set. Browsers without it name the `Origin`,
 * which must be the application's, as scheme and host of the request say it, or a trusted one. A request with neither
 * header comes from no browser that could be tricked, and passes. The order is that of the OWASP cheat sheet on CSRF and
 * of Go's `http.CrossOriginProtection`. Costs no query.
 *
 * The handshake of a socket counts as unsafe: browsers send cookies with it from any page and let that page read all that
 * comes over the socket (RFC 6455 section 10.2). Behind a proxy that ends TLS it looks like plain HTTP, so that the page of
 * the same host over HTTPS is the application's too.
 */
export function foreignOrigin(
  { request, isOverSocket }: Pick<HttpExchange, 'request' | 'isOverSocket'>,
  trustedOrigins: readonly string[],
): ForeignOrigin | null {
  if (!isOverSocket && !isUnsafe(request)) return null;
  const { origin } = request.headers;
  if (origin !== undefined && trustedOrigins.includes(origin)) return null;
  const site = request.headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return null;
  if (site === 'same-site' || site === 'cross-site') return site;
  if (origin === undefined || origin === ownOrigin(request)) return null;
  const isOwnBehindProxy =
    isOverSocket && origin === ownOrigin({ protocol: 'https', host: request.host });
  return isOwnBehindProxy ? null : 'other-origin';
}

function ownOrigin({ protocol, host }: Pick<HttpRequest, 'protocol' | 'host'>): string | undefined {
  const url = `${protocol}://${host ?? ''}`;
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
