// A binary heap: the first of many, in an order given once, with O(log n) to add and to take.

export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  clear(): void {
    this.#items.length = 0;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#rise(this.#items.length, item);
  }

  /** The gap sinks to the bottom and the last item rises from there: half the comparisons of sinking the item. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    let gap = 0;
    for (let child = 1; child < items.length; child = 2 * gap + 1) {
      const left = items[child] as T; // child is below the length
      const right = items[child + 1];
      const rightIsFirst = right !== undefined && this.#before(right, left);
      items[gap] = rightIsFirst ? right : left;
      gap = rightIsFirst ? child + 1 : child;
    }
    this.#rise(gap, last);
    return first;
  }

  #rise(from: number, item: T): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt] as T; // parentAt is below the length
      if (!this.#before(item, parent)) break;
      items[at] = parent;
      at = parentAt;
    }
    items[at] = item;
  }
}
