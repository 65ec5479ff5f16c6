/** What a heap needs to know of its members: where each of them stands. */
export interface HeapNode {
  /** Kept by the heap; -1 while the node is in none. A node is in one heap at a time. */
  heapIndex: number;
}

/**
 * A binary heap whose members can be moved and removed wherever they stand, in O(log n).
 * Scope: its owner's.
 */
export class IndexedHeap<Node extends HeapNode> {
  readonly #nodes: Node[] = [];
  readonly #isBefore: (a: Node, b: Node) => boolean;

  constructor(isBefore: (a: Node, b: Node) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** The first node, which stays. */
  peek(): Node | undefined {
    return this.#nodes[0];
  }

  add(node: Node): void {
    this.#place(node, this.#nodes.length);
    this.#rise(node);
  }

  /** Puts a node right whose order may have changed. */
  update(node: Node): void {
    this.#rise(node);
    this.#sink(node);
  }

  remove(node: Node): void {
    const index = node.heapIndex;
    const last = this.#nodes.pop();
    node.heapIndex = -1;
    if (!last || last === node) return;
    this.#place(last, index);
    this.update(last);
  }

  /** Takes the first node. */
  shift(): Node | undefined {
    const first = this.#nodes[0];
    if (first) this.remove(first);
    return first;
  }

  #place(node: Node, index: number): void {
    this.#nodes[index] = node;
    node.heapIndex = index;
  }

  #rise(node: Node): void {
    while (node.heapIndex > 0) {
      const index = node.heapIndex;
      const parent = this.#nodes[(index - 1) >> 1];
      if (!parent || !this.#isBefore(node, parent)) return;
      this.#place(node, parent.heapIndex);
      this.#place(parent, index);
    }
  }

  #sink(node: Node): void {
    for (;;) {
      const index = node.heapIndex;
      const child = this.#firstChild(index);
      if (!child || !this.#isBefore(child, node)) return;
      this.#place(node, child.heapIndex);
      this.#place(child, index);
    }
  }

  #firstChild(index: number): Node | undefined {
    const left = this.#nodes[2 * index + 1];
    const right = this.#nodes[2 * index + 2];
    if (left && right) return this.#isBefore(right, left) ? right : left;
    return left;
  }
}
