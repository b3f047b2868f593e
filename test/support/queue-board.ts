import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { IServerAdapter } from '@bull-board/api/typings/app';
import { ExpressAdapter } from '@bull-board/express';
import {
  All,
  Controller,
  ForbiddenException,
  Injectable,
  Next,
  Req,
  Res,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Queue } from 'bullmq';
import { Router, type NextFunction, type Request, type Response } from 'express';
import type { RequestSession } from 'nestjs-curfew';

@Injectable()
export class AdministratorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { session } = context.switchToHttp().getRequest<{ session: RequestSession }>();
    if (session.userId === process.env['ADMINISTRATOR_ID']) return true;
    throw new ForbiddenException();
  }
}

@Controller()
@UseGuards(AdministratorGuard)
export class QueueBoardController implements OnApplicationShutdown {
  // The options `queueName`, `connection` and `prefix` of `jobs`.
  readonly #queue = new Queue('session', { connection: { url: process.env['REDIS_URL'] ?? '' } });
  readonly #router = Router();

  constructor() {
    this.#queue.on('error', () => {});
    const serverAdapter = new ExpressAdapter().setBasePath('/queues');
    const queues = [new BullMQAdapter(this.#queue, { readOnlyMode: true })];
    // Two releases of a class are two types: the adapter may depend on an older `@bull-board/api`.
    createBullBoard({ queues, serverAdapter: serverAdapter as unknown as IServerAdapter });
    this.#router.use('/queues', serverAdapter.getRouter());
  }

  @All(['queues', 'queues/*path'])
  show(@Req() request: Request, @Res() response: Response, @Next() next: NextFunction): void {
    this.#router(request, response, next);
  }

  onApplicationShutdown(): Promise<void> {
    return this.#queue.close();
  }
}
