/** All ways to give nodes each other's names. */

/**
 * Namings of the nodes 1 … count: lists that have, at place `id`, another name of that node (and 0 at place 0). The
 * first is the identity, and the only one when `all` is false.
 */
export function permutations(count: number, all: boolean): readonly (readonly number[])[] {
  const identity = Array.from({ length: count }, (_, i) => i + 1);
  const orders = all ? ordersOf(identity) : [identity];
  return orders.map((order) => [0, ...order]);
}

function ordersOf(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((first, i) =>
    ordersOf([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [first, ...rest]),
  );
}
