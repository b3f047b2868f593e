import Bowser from 'bowser';

/** Longest label that is made of a `User-Agent` which nobody knows, in characters. */
const MAX_LABEL_LENGTH = 60;

/** What a `User-Agent` header claims. Clients say what they like in it: for people to read, never to decide by. */
export interface UserAgentDescription {
  /** Such as `Firefox`. */
  readonly browser: string | null;
  /** Such as `Windows`. Its version is left out: browsers no longer tell it. */
  readonly os: string | null;
  /** Such as `desktop`, `mobile`, `tablet`, `tv` or `bot`. */
  readonly kind: string | null;
  /** One line for a list, such as `Firefox on Windows`. */
  readonly label: string;
}

/** Describes a client by its `User-Agent`; `null` is one that was not recorded. Whatever it holds, nothing is thrown. */
export function describeUserAgent(userAgent: string | null): UserAgentDescription {
  if (userAgent === null || userAgent === '') {
    return { browser: null, os: null, kind: null, label: 'Unknown device' };
  }
  const parsed = Bowser.parse(userAgent);
  const browser = parsed.browser.name || null;
  const os = parsed.os.name || null;
  const known = [browser, os].filter((name) => name !== null).join(' on ');
  return {
    browser,
    os,
    kind: parsed.platform.type || null,
    label: known || userAgent.slice(0, MAX_LABEL_LENGTH),
  };
}
