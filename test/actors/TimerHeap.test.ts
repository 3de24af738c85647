import { assert, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import { type Timer, TimerHeap } from "../../src/actors/TimerHeap.ts"

const timer = (at: number, fired: Array<number>): Timer => ({ at, cancelled: false, fire: () => fired.push(at) })

it("fires what is due, in order, and nothing that was cancelled", () => {
  const command = FastCheck.oneof(
    FastCheck.record({ do: FastCheck.constant("add" as const), at: FastCheck.nat(200) }),
    FastCheck.record({ do: FastCheck.constant("cancel" as const), at: FastCheck.nat(400) }),
    FastCheck.record({ do: FastCheck.constant("advance" as const), at: FastCheck.nat(200) })
  )
  FastCheck.assert(
    FastCheck.property(FastCheck.array(command, { maxLength: 400, size: "max" }), (commands) => {
      const heap = new TimerHeap()
      const fired: Array<number> = []
      let model: Array<Timer> = []
      let now = 0
      for (const { at, do: kind } of commands) {
        if (kind === "add") {
          const added = timer(now + at, fired)
          const first = heap.add(added)
          model.push(added)
          const earlier = model.filter((each) => !each.cancelled && each !== added && each.at <= added.at)
          // a cancelled timer in front makes the answer "no" needlessly, never "yes" wrongly
          if (first) assert.isEmpty(earlier)
        } else if (kind === "cancel") {
          const victim = model[at % Math.max(1, model.length)]
          if (victim !== undefined) victim.cancelled = true
        } else {
          now += at
          const due = model.filter((each) => !each.cancelled && each.at <= now).map((each) => each.at)
          const before = fired.length
          heap.fireDue(now)
          assert.deepStrictEqual(
            fired.slice(before),
            due.sort((left, right) => left - right)
          )
          model = model.filter((each) => each.at > now)
        }
        const wanted = model.filter((each) => !each.cancelled).map((each) => each.at)
        assert.strictEqual(heap.next(), wanted.length === 0 ? undefined : Math.min(...wanted))
      }
    })
  )
})

it("does not keep the cancelled timers of a million runs that ended in time", () => {
  const heap = new TimerHeap()
  const lasting = Array.from({ length: 1_000 }, (_, n) => timer(1e9 + n, []))
  for (const each of lasting) heap.add(each)
  let largest = 0
  for (let at = 0; at < 1_000_000; at++) {
    const added = timer(600_000 + at, [])
    heap.add(added)
    added.cancelled = true
    largest = Math.max(largest, heap.size)
  }
  assert.isAtMost(largest, 2 * lasting.length + 128)
})
