import type { ExecutionContext, NestInterceptor } from '@nestjs/common';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';

/** An interceptor that can also stand around a handler's promise. */
export interface DirectInterceptor extends NestInterceptor {
  /** Whether it can around this handler. */
  goesDirectly(context: ExecutionContext): boolean;
  interceptDirectly(context: ExecutionContext, handle: () => Promise<unknown>): Promise<unknown>;
}

type Intercept = InterceptorsConsumer['intercept'];

let isInstalled = false;

/**
 * Lets Nest call a `DirectInterceptor` without Observables where it is the only interceptor of an HTTP route. Nest makes
 * about ten for each request as soon as there is any interceptor, and an application without others would lose a third of
 * its throughput to them. Routes with other interceptors, streams of events and other transports go Nest's way, as does
 * everything where Nest has no such method.
 */
export function interceptDirectly(): void {
  const prototype = InterceptorsConsumer.prototype as Partial<InterceptorsConsumer>;
  const { intercept } = prototype;
  if (isInstalled || typeof intercept !== 'function') return;
  isInstalled = true;
  const direct: Intercept = function (this: InterceptorsConsumer, ...call) {
    const [interceptors, args, instance, callback, handle, type] = call;
    const only = interceptors?.length === 1 ? interceptors[0] : undefined;
    if (type !== 'http' || !isDirect(only)) return intercept.apply(this, call);
    const context = this.createContext(args, instance, callback);
    return only.goesDirectly(context)
      ? only.interceptDirectly(context, handle)
      : intercept.apply(this, call);
  };
  prototype.intercept = direct;
}

function isDirect(interceptor: NestInterceptor | undefined): interceptor is DirectInterceptor {
  return interceptor !== undefined && 'interceptDirectly' in interceptor;
}
