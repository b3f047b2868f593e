import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * token = base64url( version(1) ‖ id(16) ‖ generation(4) ‖ secret(32) ‖ seal(8) ), 61 bytes, 82 characters.
 * The seal lets a forged or mistyped token be refused without a query; it is not what keeps a session safe. That is the
 * secret, of which the store holds the SHA-256.
 */
const VERSION = 1;
const GENERATION_OFFSET = 17;
const SECRET_OFFSET = 21;
const SECRET_BYTES = 32;
const SEAL_OFFSET = SECRET_OFFSET + SECRET_BYTES;
const SEAL_BYTES = 8;
const TOKEN_BYTES = SEAL_OFFSET + SEAL_BYTES;
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{82}$/;
const MAX_GENERATION = 0x7fffffff;

/** Characters of a token. */
export const TOKEN_LENGTH = 82;

/** Characters of version, id and generation: 21 bytes, so that they end with a character. */
const KEY_LENGTH = 28;

/** Least size of a secret of the key ring, in bytes. */
export const MIN_SECRET_BYTES = 32;

/** A token whose seal is good: made by this application, though perhaps long ago. */
export interface ParsedToken {
  readonly id: string;
  readonly generation: number;
  readonly secret: Buffer;
}

/**
 * The text of a token that was found good, so that the same text need not be checked again. For the memory of a process that
 * has just been given it, and for nowhere else.
 */
export class KnownToken {
  /** What names the token and is no secret: version, id and generation. */
  readonly key: string;
  readonly #text: Buffer;

  constructor(presented: string) {
    // Copies, as parts of a string or of a pool would keep the whole of it.
    this.#text = Buffer.allocUnsafeSlow(TOKEN_LENGTH);
    this.#text.write(presented);
    this.key = this.#text.toString('latin1', 0, KEY_LENGTH);
  }

  /** The `key` of the token that `presented` is, if it is one. */
  static keyOf(presented: string): string {
    return presented.slice(0, KEY_LENGTH);
  }

  /** Whether `presented` is this token, compared in constant time. */
  is(presented: string): boolean {
    const text = Buffer.from(presented);
    return text.length === TOKEN_LENGTH && timingSafeEqual(text, this.#text);
  }
}

/** A token for the client and the hash for the store. */
export interface MintedToken {
  readonly token: string;
  readonly tokenHash: string;
}

interface Keys {
  readonly seal: Buffer;
  readonly successor: Buffer;
  readonly csrf: Buffer;
}

/** A CSRF token: salt(16) ‖ HMAC(key, id ‖ salt), base64url. The salt makes each one differ, so that none can be guessed from compressed answers. */
const CSRF_SALT_BYTES = 16;
const CSRF_PATTERN = /^[A-Za-z0-9_-]{64}$/;

/** A new session id: a UUIDv7 (RFC 9562), so that sessions created together are neighbours in the index. */
export function newSessionId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return uuidAt(bytes, 0);
}

/**
 * Makes and reads tokens under a key ring: the first secret signs, every one verifies.
 *
 * Each purpose has a key of its own, derived from the secret, so that nothing made for one is accepted for another.
 */
export class SessionTokens {
  readonly #keys: readonly [Keys, ...Keys[]];

  /** @param secrets at least one, each of at least 32 bytes; checked with the options. */
  constructor(secrets: readonly [string, ...string[]]) {
    const [first, ...others] = secrets;
    this.#keys = [deriveKeys(first), ...others.map(deriveKeys)];
  }

  /** A token with a fresh 256-bit secret. */
  mint(id: string, generation: number): MintedToken {
    return this.#assemble(id, generation, randomBytes(SECRET_BYTES));
  }

  /**
   * Reads what a client presented. Anything that is not a string of 82 base64url characters in canonical form, of a
   * known version and with a good seal is `undefined`; nothing throws.
   */
  parse(presented: unknown): ParsedToken | undefined {
    if (typeof presented !== 'string' || !TOKEN_PATTERN.test(presented)) return undefined;
    const bytes = Buffer.from(presented, 'base64url');
    if (bytes.length !== TOKEN_BYTES || bytes[0] !== VERSION) return undefined;
    // The last character carries four unused bits: only one of its sixteen spellings is a token.
    if (bytes.toString('base64url', TOKEN_BYTES - 1) !== presented.slice(-2)) return undefined;
    const sealed = bytes.subarray(0, SEAL_OFFSET);
    const seal = bytes.subarray(SEAL_OFFSET);
    if (!this.#keys.some((keys) => timingSafeEqual(sealOf(keys, sealed), seal))) return undefined;
    return {
      id: uuidAt(bytes, 1),
      generation: bytes.readUInt32BE(GENERATION_OFFSET),
      secret: bytes.subarray(SECRET_OFFSET, SEAL_OFFSET),
    };
  }

  /** Whether the store's hash is that of this token's secret, compared in constant time. */
  matches(token: ParsedToken, tokenHash: string): boolean {
    return hashMatches(token.secret, tokenHash);
  }

  /**
   * The successor of a periodic rotation. It follows from the old token, so that every request that still carries the
   * old one arrives at the same new one.
   */
  successor(token: ParsedToken): MintedToken {
    return this.#successor(this.#keys[0], token);
  }

  /** The successor that the store already holds the hash of; `undefined` where the next token was random. */
  knownSuccessor(token: ParsedToken, tokenHash: string): MintedToken | undefined {
    return this.#keys
      .map((keys) => this.#successor(keys, token))
      .find((next) => next.tokenHash === tokenHash);
  }

  /** A token that proves, in a header or a body, that a request was made by a page of the session with this id. */
  csrfToken(sessionId: string): string {
    const salt = randomBytes(CSRF_SALT_BYTES);
    return Buffer.concat([salt, csrfMac(this.#keys[0], sessionId, salt)]).toString('base64url');
  }

  /** Whether `presented` is a CSRF token of the session with this id. Nothing throws. */
  isCsrfToken(sessionId: string, presented: unknown): boolean {
    if (typeof presented !== 'string' || !CSRF_PATTERN.test(presented)) return false;
    const bytes = Buffer.from(presented, 'base64url');
    const [salt, mac] = [bytes.subarray(0, CSRF_SALT_BYTES), bytes.subarray(CSRF_SALT_BYTES)];
    return this.#keys.some((keys) => timingSafeEqual(csrfMac(keys, sessionId, salt), mac));
  }

  #successor(keys: Keys, { id, generation, secret }: ParsedToken): MintedToken {
    const next = (generation % MAX_GENERATION) + 1;
    const position = Buffer.alloc(20);
    position.write(id.replaceAll('-', ''), 0, 'hex');
    position.writeUInt32BE(next, 16);
    return this.#assemble(id, next, hmac(keys.successor, position, secret));
  }

  #assemble(id: string, generation: number, secret: Buffer): MintedToken {
    const bytes = Buffer.alloc(TOKEN_BYTES);
    bytes.writeUInt8(VERSION, 0);
    bytes.write(id.replaceAll('-', ''), 1, 'hex');
    bytes.writeUInt32BE(generation, GENERATION_OFFSET);
    secret.copy(bytes, SECRET_OFFSET);
    sealOf(this.#keys[0], bytes.subarray(0, SEAL_OFFSET)).copy(bytes, SEAL_OFFSET);
    return { token: bytes.toString('base64url'), tokenHash: sha256(secret).toString('hex') };
  }
}

function deriveKeys(secret: string): Keys {
  const purpose = (name: string) => hmac(Buffer.from(secret), Buffer.from(`curfew:${name}:1`));
  return { seal: purpose('seal'), successor: purpose('successor'), csrf: purpose('csrf') };
}

function sealOf(keys: Keys, sealed: Buffer): Buffer {
  return hmac(keys.seal, sealed).subarray(0, SEAL_BYTES);
}

function csrfMac(keys: Keys, sessionId: string, salt: Buffer): Buffer {
  return hmac(keys.csrf, Buffer.from(sessionId.replaceAll('-', ''), 'hex'), salt);
}

function hashMatches(secret: Buffer, tokenHash: string): boolean {
  const expected = Buffer.from(tokenHash, 'hex');
  return expected.length === SECRET_BYTES && timingSafeEqual(sha256(secret), expected);
}

function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

function hmac(key: Buffer, ...parts: readonly Buffer[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function uuidAt(bytes: Buffer, offset: number): string {
  const hex = bytes.toString('hex', offset, offset + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
