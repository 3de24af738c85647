import * as fc from "fast-check"
import { expect, it } from "vitest"
import { Heap } from "../../../src/backends/memory/Heap.ts"
import type { Node } from "../../../src/backends/memory/Heap.ts"

it("hands out what is left in order, whatever was removed from the middle", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 50 }) }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) }
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new Heap<number>((a, b) => a < b)
      const nodes: Array<Node<number>> = []
      for (const one of steps) {
        if ("push" in one) nodes.push(heap.push(one.push))
        else if (nodes.length > 0) {
          const [node] = nodes.splice(one.remove % nodes.length, 1)
          if (node === undefined) throw new Error("no node")
          heap.remove(node)
          heap.remove(node)
        }
        expect(heap.size).toBe(nodes.length)
        expect(heap.peek()).toBe(nodes.length === 0 ? undefined : Math.min(...nodes.map((node) => node.value)))
      }
    })
  )
})
