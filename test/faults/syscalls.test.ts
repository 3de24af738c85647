import { afterAll, assert, describe, it } from "vitest"
import { FaultAccount } from "./Fault.ts"
import { sampleOf } from "./Sample.ts"
import { type ScenarioName, scenarioNames } from "./Scenarios.ts"
import { type Counts, kinds, type PointResult, runSyscallMatrix, SyscallMatrix } from "./SyscallMatrix.ts"

const account = new FaultAccount()
afterAll(() => console.log(account.summary()))

const seed = Number(process.env["LEASEHOLD_SEED"] ?? Date.now() % 1_000_000_007)

describe("system calls of a real process that fail", { timeout: 180_000 }, () => {
  it("each call in each way: nothing acknowledged is lost, nothing refused happened", async (context) => {
    if (!account.can("EIO once")) return context.skip("no strace")
    const scenarios = new Set<ScenarioName>()
    const report = await runSyscallMatrix({
      choose: (points) => sampleOf(points, seed, 50),
      account,
      onProgress: ({ point }) => scenarios.add(point.scenario)
    })
    assert.deepStrictEqual(report.violations, [], `LEASEHOLD_SEED=${seed}`)
    assert.sameMembers([...scenarios], [...scenarioNames])
    // the count of concurrent calls varies a little, and with it whether the last of them comes
    assert.isAtLeast(report.fired, 0.9 * report.until, `LEASEHOLD_SEED=${seed}`)
    const { fired } = account.toJSON()
    for (const kind of Object.keys(kinds))
      assert.isAbove(fired[kind] ?? 0, 0, `${kind} never fired: LEASEHOLD_SEED=${seed}`)
    // the faults did meet calls that were under way
    assert.isAbove(report.unknown, 0)
    assert.isAbove(report.acknowledged, 100)
    console.log(
      `${report.fired} faults in ${report.until} runs of ${Object.keys(report.byCell).length} cells, seed ${seed}: ` +
        `${report.acknowledged} calls acknowledged, ${report.refused} refused, ${report.unknown} unknown, ` +
        `${Math.round(report.seconds)} s`
    )
  })

  it("a failing fdatasync: what waited is unknown, and producers alone open the log again", async (context) => {
    if (!account.can("failing fdatasync")) return context.skip("no strace")
    const matrix = new SyscallMatrix()
    try {
      const counts: Counts = await matrix.count(["producer"])
      const run = (nth: number): Promise<PointResult> =>
        matrix.run({ scenario: "producer", kind: "EIO once", syscall: "fdatasync", nth }, counts)
      // the first makes the new epoch durable, the second the first job, the third those that come at once
      for (const result of await Promise.all([run(2), run(3)])) {
        assert.deepStrictEqual(result.violations, [])
        assert.strictEqual(result.fired, 1)
        assert.isTrue(result.story.finished)
        assert.isAbove(result.story.unknown, 0)
        account.fired("failing fdatasync")
      }
    } finally {
      matrix.clear()
    }
  })
})
