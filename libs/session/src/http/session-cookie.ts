import { stringifySetCookie } from 'cookie';

import type { ResolvedSessionOptions } from '../session.options-check.js';

/** What is read where something was presented that cannot be a token. No token is empty. */
export const MALFORMED = '';

type CookieOptions = ResolvedSessionOptions['cookie'];

const MS_PER_SECOND = 1000;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * The session cookie: its name with the strongest prefix that its attributes allow, and how it is read, set and cleared.
 *
 * `__Host-Http-` binds the cookie to the host and to HTTP; browsers that know only `__Host-` still enforce that part.
 * `__Secure-` stands where the cookie is shared or narrowed (ASVS 3.3.1). Without `secure` there is no prefix.
 */
export class SessionCookie {
  readonly name: string;
  readonly #options: CookieOptions;

  constructor(options: CookieOptions) {
    this.#options = options;
    this.name = prefixOf(options) + options.name;
  }

  /**
   * The cookie's value in a `Cookie` header, exactly as it was sent.
   * Missing: `undefined`. Sent twice with different values: `MALFORMED`, as one of them is somebody else's.
   */
  read(header: string | undefined): string | undefined {
    return header === undefined ? undefined : findCookie(header, this.name);
  }

  /** The `Set-Cookie` line that gives out a token; without `maxAgeMs` the cookie ends with the browser. */
  set(token: string, maxAgeMs: number | null): string {
    const maxAge =
      maxAgeMs === null ? undefined : Math.max(0, Math.floor(maxAgeMs / MS_PER_SECOND));
    return this.#line(token, maxAge);
  }

  /** The `Set-Cookie` line that removes the cookie: the attributes that set it, or browsers keep it. */
  clear(): string {
    return this.#line('', 0);
  }

  #line(value: string, maxAge: number | undefined): string {
    const { domain, path, sameSite, secure } = this.#options;
    return stringifySetCookie({
      name: this.name,
      value,
      path,
      httpOnly: true,
      secure,
      sameSite,
      ...(domain === undefined ? {} : { domain }),
      ...(maxAge === undefined ? {} : { maxAge }),
    });
  }
}

function prefixOf({ secure, domain, path }: CookieOptions): string {
  if (!secure) return '';
  return domain === undefined && path === '/' ? '__Host-Http-' : '__Secure-';
}

/**
 * Scans a `Cookie` header for one name. Nothing is decoded, unquoted or trimmed but the blanks after a `;`: each of those
 * has let a cookie without the prefix pass for one with it (CVE-2020-8184, CVE-2026-39410). Linear in the header.
 */
function findCookie(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (let start = 0; start <= header.length;) {
    const semicolon = header.indexOf(';', start);
    const end = semicolon === -1 ? header.length : semicolon;
    const begin = skipBlanks(header, start);
    if (header.startsWith(name, begin) && header[begin + name.length] === '=') {
      const value = header.slice(begin + name.length + 1, end);
      if (found !== undefined && found !== value) return MALFORMED;
      found = value;
    }
    start = end + 1;
  }
  return found;
}

function skipBlanks(header: string, from: number): number {
  let at = from;
  while (header.charCodeAt(at) === SPACE || header.charCodeAt(at) === TAB) at += 1;
  return at;
}
