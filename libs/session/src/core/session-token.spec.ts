import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { newSessionId, SessionTokens, TOKEN_LENGTH, type ParsedToken } from './session-token.js';

const NOW = Date.UTC(2026, 0, 1);
const [OLD, NEW, FOREIGN] = ['o', 'n', 'f'].map((letter) => letter.repeat(32)) as [
  string,
  string,
  string,
];

const tokens = new SessionTokens([NEW]);
const id = newSessionId(NOW);

function parsed(token: string, by = tokens): ParsedToken {
  const result = by.parse(token);
  if (result === undefined) throw new Error('Expected the token to be good');
  return result;
}

describe('newSessionId', () => {
  it('is a UUID of version 7 that begins with the time', () => {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(NOW);
  });

  it('sorts by time and never repeats', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => newSessionId(NOW + index));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(Array.from({ length: 1000 }, () => newSessionId(NOW))).size).toBe(1000);
  });
});

describe('SessionTokens', () => {
  it('mints 82 characters of base64url that name the id and the generation', () => {
    const { token } = tokens.mint(id, 7);
    expect(token).toMatch(/^[A-Za-z0-9_-]{82}$/);
    expect(token).toHaveLength(TOKEN_LENGTH);
    expect(parsed(token)).toMatchObject({ id, generation: 7 });
  });

  it('mints another secret each time', () => {
    const hashes = Array.from({ length: 100 }, () => tokens.mint(id, 0).tokenHash);
    expect(new Set(hashes).size).toBe(100);
  });

  it('keeps nothing in the hash that is part of the token', () => {
    const { token, tokenHash } = tokens.mint(id, 0);
    expect(tokenHash).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from(token, 'base64url').toString('hex')).not.toContain(tokenHash);
    expect(tokens.parse(tokenHash)).toBeUndefined();
  });

  it('matches a token with its own hash only', () => {
    const [one, other] = [tokens.mint(id, 0), tokens.mint(id, 0)];
    expect(tokens.matches(parsed(one.token), one.tokenHash)).toBe(true);
    expect(tokens.matches(parsed(one.token), other.tokenHash)).toBe(false);
    for (const malformed of ['', 'zz', one.tokenHash.slice(2), `${one.tokenHash}00`]) {
      expect(tokens.matches(parsed(one.token), malformed)).toBe(false);
    }
  });

  it('refuses a token with any one of its bytes changed', () => {
    const bytes = Buffer.from(tokens.mint(id, 0).token, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      for (const flip of [1, 0x80, 0xff]) {
        const forged = Buffer.from(bytes);
        forged.writeUInt8(forged.readUInt8(index) ^ flip, index);
        expect(tokens.parse(forged.toString('base64url'))).toBeUndefined();
      }
    }
  });

  it('takes one of the sixteen spellings of the last character', () => {
    const { token } = tokens.mint(id, 0);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const good = Array.from(alphabet).filter((last) => tokens.parse(token.slice(0, -1) + last));
    expect(good).toEqual([token.at(-1)]);
  });

  it('refuses what is not a token in form', () => {
    const { token } = tokens.mint(id, 0);
    const refused: unknown[] = [
      '',
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      `"${token}"`,
      `+${token.slice(1)}`,
      token.repeat(1000),
      undefined,
      null,
      0,
      true,
      [token],
      { toString: () => token },
      Buffer.from(token),
      Symbol('token'),
    ];
    for (const value of refused) expect(tokens.parse(value)).toBeUndefined();
  });

  it('throws at nothing that a client may present', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string({ unit: 'binary' }),
          fc.base64String(),
          fc.uint8Array({ minLength: 61, maxLength: 61 }).map((bytes) => {
            return Buffer.from([1, ...bytes.subarray(1)]).toString('base64url');
          }),
        ),
        (presented) => expect(tokens.parse(presented)).toBeUndefined(),
      ),
      { numRuns: 1000 },
    );
  });

  it('reads back every id and generation', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(0x7fffffff), (anyId, generation) => {
        const { token, tokenHash } = tokens.mint(anyId, generation);
        expect(parsed(token)).toMatchObject({ id: anyId, generation });
        expect(tokens.matches(parsed(token), tokenHash)).toBe(true);
      }),
    );
  });
});

describe('the key ring', () => {
  const rotated = new SessionTokens([NEW, OLD]);
  const old = new SessionTokens([OLD]);

  it('refuses tokens of a foreign key', () => {
    expect(tokens.parse(new SessionTokens([FOREIGN]).mint(id, 0).token)).toBeUndefined();
  });

  it('takes tokens of every key on the ring, and signs with the first', () => {
    expect(parsed(old.mint(id, 0).token, rotated).id).toBe(id);
    const { token } = rotated.mint(id, 0);
    expect(parsed(token, tokens).id).toBe(id);
    expect(old.parse(token)).toBeUndefined();
  });

  it('refuses tokens of a key that was taken off the ring', () => {
    const { token } = old.mint(id, 0);
    expect(rotated.parse(token)).toBeDefined();
    expect(tokens.parse(token)).toBeUndefined();
  });
});

describe('the successor of a token', () => {
  const token = parsed(tokens.mint(id, 4).token);

  it('is the same for every request that derives it', () => {
    expect(tokens.successor(token)).toEqual(new SessionTokens([NEW]).successor(token));
  });

  it('is a good token of the next generation with another secret', () => {
    const successor = tokens.successor(token);
    const next = parsed(successor.token);
    expect(next).toMatchObject({ id, generation: 5 });
    expect(next.secret.equals(token.secret)).toBe(false);
    expect(tokens.matches(next, successor.tokenHash)).toBe(true);
  });

  it('differs by key, by id, by generation and by secret', () => {
    const variants = [
      tokens.successor(token),
      new SessionTokens([FOREIGN]).successor(token),
      tokens.successor({ ...token, id: newSessionId(NOW) }),
      tokens.successor({ ...token, generation: 5 }),
      tokens.successor(parsed(tokens.mint(id, 4).token)),
    ];
    expect(new Set(variants.map(({ tokenHash }) => tokenHash)).size).toBe(variants.length);
  });

  it('is recognised by the hash in the store', () => {
    const successor = tokens.successor(token);
    expect(tokens.knownSuccessor(token, successor.tokenHash)).toEqual(successor);
    expect(tokens.knownSuccessor(token, tokens.mint(id, 5).tokenHash)).toBeUndefined();
  });

  it('is recognised by its hash while the key it was derived with is on the ring', () => {
    const old = new SessionTokens([OLD]);
    const { tokenHash, token: text } = old.successor(token);
    const known = new SessionTokens([NEW, OLD]).knownSuccessor(token, tokenHash);
    expect(known?.tokenHash).toBe(tokenHash);
    expect(parsed(known?.token ?? '').secret).toEqual(parsed(text, old).secret);
    expect(tokens.knownSuccessor(token, tokenHash)).toBeUndefined();
  });
});

describe('the CSRF token of a session', () => {
  it('is good for its session and for no other', () => {
    const csrf = tokens.csrfToken(id);
    expect(tokens.isCsrfToken(id, csrf)).toBe(true);
    expect(tokens.isCsrfToken(newSessionId(NOW), csrf)).toBe(false);
  });

  it('differs at each call', () => {
    expect(tokens.csrfToken(id)).not.toBe(tokens.csrfToken(id));
  });

  it('is good while its key is on the ring', () => {
    const csrf = new SessionTokens([OLD]).csrfToken(id);
    expect(new SessionTokens([NEW, OLD]).isCsrfToken(id, csrf)).toBe(true);
    expect(tokens.isCsrfToken(id, csrf)).toBe(false);
  });

  it('is no session token, and a session token is none', () => {
    expect(tokens.parse(tokens.csrfToken(id))).toBeUndefined();
    expect(tokens.isCsrfToken(id, tokens.mint(id, 0).token)).toBe(false);
  });

  it('refuses anything else without throwing', () => {
    fc.assert(fc.property(fc.anything(), (presented) => !tokens.isCsrfToken(id, presented)));
    const csrf = Buffer.from(tokens.csrfToken(id), 'base64url');
    for (let index = 0; index < csrf.length; index += 1) {
      const changed = Buffer.from(csrf);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(tokens.isCsrfToken(id, changed.toString('base64url'))).toBe(false);
    }
  });
});
