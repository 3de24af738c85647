/**
 * A binary heap whose elements can be taken out from the middle.
 *
 * @since 0.1.0
 */

/**
 * Where an element stands. Keep it to remove the element later.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Node<A> {
  readonly value: A
  /** Position in the heap, -1 once removed. */
  index: number
}

/**
 * Smallest element first. An element's order must not change while it is in the heap.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Heap<A> {
  private readonly nodes: Array<Node<A>> = []
  private readonly before: (a: A, b: A) => boolean

  constructor(before: (a: A, b: A) => boolean) {
    this.before = before
  }

  get size(): number {
    return this.nodes.length
  }

  peek(): A | undefined {
    return this.nodes[0]?.value
  }

  push(value: A): Node<A> {
    const node: Node<A> = { value, index: this.nodes.length }
    this.nodes.push(node)
    this.up(node)
    return node
  }

  /** Removing twice is no error. */
  remove(node: Node<A>): void {
    const index = node.index
    if (index === -1) return
    node.index = -1
    const last = this.nodes.pop()
    if (last === undefined || last === node) return
    this.place(last, index)
    this.up(last)
    this.down(last)
  }

  private place(node: Node<A>, index: number): void {
    this.nodes[index] = node
    node.index = index
  }

  private up(node: Node<A>): void {
    while (node.index > 0) {
      const parent = this.at((node.index - 1) >> 1)
      if (!this.before(node.value, parent.value)) return
      this.swap(node, parent)
    }
  }

  private down(node: Node<A>): void {
    while (true) {
      const left = 2 * node.index + 1
      if (left >= this.nodes.length) return
      const right = left + 1
      const child =
        right < this.nodes.length && this.before(this.at(right).value, this.at(left).value)
          ? this.at(right)
          : this.at(left)
      if (!this.before(child.value, node.value)) return
      this.swap(node, child)
    }
  }

  private swap(a: Node<A>, b: Node<A>): void {
    const index = a.index
    this.place(a, b.index)
    this.place(b, index)
  }

  private at(index: number): Node<A> {
    const node = this.nodes[index]
    if (node === undefined) throw new Error(`leasehold: no heap node ${index} of ${this.nodes.length}`)
    return node
  }
}
