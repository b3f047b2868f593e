import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  NotFoundException,
  Param,
  Put,
} from '@nestjs/common';
import { CurrentSession, Public, RequestSession } from 'nestjs-curfew';
import { z } from 'zod';

import type { Cart } from './session-data.js';

const MAX_ITEMS = 50;

const itemName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const quantityBody = z.strictObject({ quantity: z.int().min(1).max(999) });
type QuantityBody = z.infer<typeof quantityBody>;

/** A cart for people who have not signed in, and for those who have: it lives in the session's data. */
@Public()
@Controller('cart')
export class CartController {
  @Get()
  read(@CurrentSession() session: RequestSession): { items: Cart } {
    return { items: session.get('shoppingCart') ?? {} };
  }

  /** Puts the item in at this quantity. Two tabs that put different items in at once both succeed. */
  @Put(':item')
  async put(
    @Param('item') item: string,
    @Body({ schema: quantityBody }) { quantity }: QuantityBody,
    @CurrentSession() session: RequestSession,
  ): Promise<{ items: Cart }> {
    assertItem(itemName.safeParse(item).success);
    session.update('shoppingCart', (cart = {}) => {
      if (!Object.hasOwn(cart, item) && Object.keys(cart).length >= MAX_ITEMS) {
        throw new BadRequestException(`Expected at most ${MAX_ITEMS} items in the cart.`);
      }
      return { ...cart, [item]: quantity };
    });
    await session.save();
    return this.read(session);
  }

  @Delete(':item')
  @HttpCode(HttpStatus.NO_CONTENT)
  remove(@Param('item') item: string, @CurrentSession() session: RequestSession): void {
    assertItem(Object.hasOwn(session.get('shoppingCart') ?? {}, item));
    session.update('shoppingCart', (cart = {}) => {
      const { [item]: _removed, ...rest } = cart;
      return rest;
    });
  }
}

function assertItem(isKnown: boolean): asserts isKnown {
  if (!isKnown) throw new NotFoundException('There is no such item.');
}
