import { expect, test } from "vitest"
import { alphabet, beginnings } from "./Alphabet.ts"
import { type CrashCounters, runCrashStates } from "./CrashStates.ts"
import { afterPrefix, countUpTo, workloadAt } from "./Workloads.ts"

test("no crash state of any workload of up to four operations loses or breaks anything", { timeout: 600_000 }, () => {
  const options = { maxLength: 4, maxLengthUsed: 2, everyByteUpTo: 3, secondCrashUpTo: 2 }
  const { counters, next, violations } = runCrashStates(options)
  console.log(`crash states: ${JSON.stringify(counters)}`)
  expect(violations.slice(0, 5)).toEqual([])
  expect(next).toBeUndefined()
  // every subset was tried: no moment had too many pieces
  expect(counters.sampledCrashPoints).toBe(0)
  expect(counters.workloads).toBeGreaterThan(400)
  expect(counters.crashPoints).toBeGreaterThan(5_000)
  expect(counters.secondCrashPoints).toBeGreaterThan(3_000)
  expect(counters.tornStates).toBeGreaterThan(50_000)
  expect(counters.images).toBeGreaterThan(50_000)
})

test("a run goes on where another one stopped", () => {
  const options = { maxLength: 1, maxLengthUsed: 0, everyByteUpTo: 0, secondCrashUpTo: 0 }
  const whole = runCrashStates(options)
  const sum: Pick<CrashCounters, "workloads" | "pruned" | "states"> = { workloads: 0, pruned: 0, states: 0 }
  let from: number | undefined = 0
  let runs = 0
  while (from !== undefined) {
    const part: ReturnType<typeof runCrashStates> = runCrashStates({ ...options, from, onProgress: () => false })
    sum.workloads += part.counters.workloads
    sum.pruned += part.counters.pruned
    sum.states += part.counters.states
    from = part.next
    runs++
  }
  expect(runs).toBeGreaterThan(5)
  const { pruned, states, workloads } = whole.counters
  expect(sum).toEqual({ workloads, pruned, states })
})

test("workloads are numbered without a gap, and prefixes skipped as a whole", () => {
  const words = new Set<string>()
  const end = countUpTo(3, 2, 3)
  for (let number = 0; number < end; number++) {
    const { beginning, word } = workloadAt(number, 2, 3)
    words.add([beginning, ...word].join())
    for (let kept = 0; kept <= word.length; kept++) {
      const next = afterPrefix(number, kept, word.length, 2, 3)
      const isSame = (other: number): boolean => {
        const found = workloadAt(other, 2, 3)
        return (
          found.beginning === beginning &&
          found.word.length === word.length &&
          word.slice(0, kept).every((letter, i) => found.word[i] === letter)
        )
      }
      expect(next).toBeGreaterThan(number)
      expect(isSame(next - 1)).toBe(true)
      expect(isSame(next)).toBe(false)
    }
  }
  expect(words.size).toBe(end)
  expect(countUpTo(4, beginnings.length, alphabet.length)).toBe(22_222)
})
