import 'reflect-metadata';

import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import { NoTouch, Public, RequireSession, SkipSession, StepUp } from './access.decorators.js';
import { requirementsOf, type RouteRequirements } from './route-requirements.js';
import { RevokeSessions } from './session.decorators.js';

class Plain {
  plain(): void {}
  @Public() public(): void {}
  @SkipSession() skip(): void {}
  @StepUp({ aal: 2 }) strong(): void {}
  @NoTouch() @RevokeSessions({ scope: 'others' }) other(): void {}
  @Public() @StepUp({ aal: 2 }) torn(): void {}
  @StepUp({ aal: 2 }) @SkipSession() tornToo(): void {}
}

@Public()
class Open {
  plain(): void {}
  @RequireSession() required(): void {}
  @StepUp({ maxAgeMs: 1000 }) recent(): void {}
}

@StepUp({ aal: 2 })
class Strong {
  plain(): void {}
  @Public() public(): void {}
  @RequireSession() required(): void {}
  @StepUp({ aal: 3 }) stronger(): void {}
}

function of(controller: new () => object, method: string, fallback?: 'public'): RouteRequirements {
  const handler = (controller.prototype as Record<string, unknown>)[method];
  const context = { getHandler: () => handler, getClass: () => controller };
  return requirementsOf(new Reflector(), context as ExecutionContext, fallback);
}

describe('requirementsOf', () => {
  it.each([
    [Plain, 'plain', { access: 'required', stepUp: undefined }],
    [Plain, 'public', { access: 'public' }],
    [Plain, 'skip', { access: 'skip' }],
    [Plain, 'strong', { access: 'required', stepUp: { aal: 2 } }],
    [Open, 'plain', { access: 'public' }],
    [Open, 'required', { access: 'required' }],
    [Open, 'recent', { access: 'required', stepUp: { maxAgeMs: 1000 } }],
    [Strong, 'plain', { access: 'required', stepUp: { aal: 2 } }],
    [Strong, 'public', { access: 'public', stepUp: undefined }],
    [Strong, 'required', { access: 'required', stepUp: { aal: 2 } }],
    [Strong, 'stronger', { access: 'required', stepUp: { aal: 3 } }],
  ])('of %p %s: %j', (controller, method, expected) => {
    expect(of(controller, method)).toMatchObject(expected);
  });

  it('take the stricter of two contrary decorators of one handler, in either order', () => {
    expect([of(Plain, 'torn').access, of(Plain, 'tornToo').access]).toEqual([
      'required',
      'required',
    ]);
  });

  it('treat a route that says nothing as the module says', () => {
    expect(of(Plain, 'plain', 'public').access).toBe('public');
    expect(of(Plain, 'strong', 'public').access).toBe('required');
  });

  it('tell touching and revoking', () => {
    expect(of(Plain, 'plain')).toMatchObject({ isTouching: true, revokes: undefined });
    expect(of(Plain, 'other')).toMatchObject({ isTouching: false, revokes: { scope: 'others' } });
  });
});
