/** Quantities by item. */
export type Cart = Record<string, number>;

declare module 'nestjs-curfew' {
  interface SessionData {
    shoppingCart: Cart;
  }
}
