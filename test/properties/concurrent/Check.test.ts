import { describe, expect, test } from "vitest"
import { checkHistory } from "../../../properties/concurrent/Check.ts"
import type { Rule } from "../../../properties/concurrent/Finding.ts"
import type { History } from "../../../properties/concurrent/History.ts"
import { Script } from "./script.ts"

const rulesOf = (history: History): ReadonlyArray<Rule> => [
  ...new Set(checkHistory(history).findings.map(({ rule }) => rule))
]

/** Job a, enqueued, and two sessions. */
const start = (more: Parameters<Script["enqueue"]>[1] = {}): Script =>
  new Script().enqueue(["a"], more).session("s1").session("s2")

interface Case {
  readonly name: string
  readonly history: History
}

const good: ReadonlyArray<Case> = [
  {
    name: "a job is claimed and completed",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "Completed")
      .claim("s2", "")
      .read("a", { state: "Completed", attempts: 1, deliveries: 1 })
      .list("a")
      .history(true)
  },
  {
    name: "a claim of unknown outcome holds the job until its lease has run out",
    history: start()
      .claim("s1", "", { unknown: true })
      .claim("s2", "")
      .advance(1000)
      .session("s3")
      .reclaim()
      .claim("s3", "a/2", { delivery: 2 })
      .history()
  },
  {
    name: "a claim of unknown outcome may not have happened",
    history: start().claim("s1", "", { unknown: true }).claim("s2", "a/1").history()
  },
  {
    name: "a claim of unknown outcome may happen after it was given up",
    history: start()
      .claim("s1", "", { unknown: true })
      .claim("s2", "a/1")
      .settle("s2", "Release", "a/1", "Ready")
      .claim("s2", "")
      .read("a", { state: "Leased", deliveries: 2, token: "2" })
      .history()
  },
  {
    name: "a repeated claim gets the same grants",
    history: start()
      .claim("s1", "", { unknown: true })
      .claim("s2", "")
      .claim("s1", "a/1", { call: 1, repeats: 4 })
      .history()
  },
  {
    name: "a settle of unknown outcome explains that the job is done",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "", { unknown: true })
      .read("a", { state: "Completed", attempts: 1, deliveries: 1 })
      .history()
  },
  {
    name: "a late settle of a session that nobody has reclaimed",
    history: start().claim("s1", "a/1").advance(1500).settle("s1", "Complete", "a/1", "Completed").history()
  },
  {
    name: "renewed in time, the lease lasts",
    history: start()
      .claim("s1", "a/1")
      .advance(600)
      .renew("s1", ["1"])
      .advance(600)
      .session("s3")
      .reclaim()
      .claim("s3", "")
      .settle("s1", "Complete", "a/1", "Completed")
      .history()
  },
  {
    name: "a run that is known to have started costs an attempt when its lease runs out",
    history: start()
      .claim("s1", "a/1")
      .renew("s1", ["1"])
      .advance(1000)
      .session("s3")
      .claim("s3", "a/2", { delivery: 2, attempt: 2 })
      .history()
  },
  {
    name: "an empty claim beside a release",
    history: start()
      .claim("s1", "a/1")
      .together((s) => s.settle("s1", "Release", "a/1", "Ready").claim("s2", ""))
      .claim("s2", "a/2", { delivery: 2 })
      .history()
  },
  {
    name: "cancel beside complete: one of them wins",
    history: start()
      .claim("s1", "a/1")
      .together((s) => s.settle("s1", "Complete", "a/1", "refused: cancelled").cancel("a"))
      .history()
  },
  {
    name: "a dead letter comes back in a new generation",
    history: start({ maxDeliveries: 1 })
      .claim("s1", "a/1")
      .settle("s1", "Release", "a/1", "DeadLettered")
      .redrive("a")
      .claim("s1", "a/2", { generation: 2 })
      .history()
  },
  {
    name: "a crash ends sessions",
    history: start()
      .claim("s1", "a/1")
      .crash()
      .settle("s1", "Complete", "a/1", "", { refused: "SessionDead" })
      .session("s3")
      .claim("s3", "a/2", { delivery: 2 })
      .history()
  },
  {
    name: "one job of a batch was cancelled before anybody met it",
    history: new Script()
      .enqueue(["a", "b"])
      .session("s1")
      .cancel("b", "", { unknown: true })
      .cancel("b", "cancelled")
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "Completed")
      .history(true)
  },
  {
    name: "an unverified settle may have ended another's grant",
    history: start()
      .claim("s1", "a/1")
      .advance(1000)
      .session("s3")
      .claim("s3", "a/2", { delivery: 2 })
      .settle("s1", "Complete", "a/1", "unverified")
      .claim("s3", "")
      .read("a", { state: "Completed", attempts: 1, deliveries: 2 })
      .history(true)
  },
  {
    name: "an enqueue of unknown outcome that never happened",
    history: new Script().enqueue(["a", "b"], { unknown: true }).read("a", null).read("b", null).list().history(true)
  }
]

describe("histories that make sense", () => {
  test.for(good)("$name", ({ history }) => {
    expect(checkHistory(history)).toEqual({ findings: [], undecided: 0 })
  })
})

/** One history per rule. Where others notice too, they are named: a rule that is alone would be missed. */
const bad: ReadonlyArray<Case & { readonly rule: Rule; readonly also?: ReadonlyArray<Rule> }> = [
  {
    name: "a repeated claim gets another job",
    rule: "repeatDiffers",
    history: new Script()
      .enqueue(["a", "b"])
      .session("s1")
      .together((s) => s.claim("s1", "a/1", { limit: 1 }).claim("s1", "b/2", { limit: 1, call: 1, repeats: 3 }))
      .history()
  },
  {
    name: "a repeated settle is answered otherwise",
    rule: "repeatDiffers",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "Completed")
      .settle("s1", "Complete", "a/1", "refused: stale", { call: 2, repeats: 5 })
      .history()
  },
  {
    name: "a sound request is refused",
    rule: "refusedForNothing",
    history: start().claim("s1", "", { refused: "InvalidRequest" }).history()
  },
  {
    name: "a live session is refused as dead",
    rule: "refusedAsDead",
    history: start().advance(999).claim("s1", "", { refused: "SessionDead" }).history()
  },
  {
    name: "a job is there although its enqueue was refused",
    rule: "refusedButThere",
    history: new Script().enqueue(["a"], { refused: "Unavailable" }).session("s1").claim("s1", "a/1").history(),
    also: ["refusedButDone"]
  },
  {
    name: "a refused settle has completed the job",
    rule: "refusedButDone",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "", { refused: "Unavailable" })
      .read("a", { state: "Completed", attempts: 1, deliveries: 1 })
      .history()
  },
  {
    name: "a refused claim holds the job",
    rule: "refusedButDone",
    history: start()
      .claim("s1", "", { refused: "Unavailable" })
      .read("a", { state: "Leased", deliveries: 1, token: "1" })
      .history()
  },
  {
    name: "an expired session is renewed",
    rule: "deadSessionActs",
    history: start().advance(1000).renew("s1").history()
  },
  {
    name: "a session that was refused as dead claims",
    rule: "deadSessionActs",
    history: start()
      .close("s1", { unknown: true })
      .renew("s1", [], { refused: "SessionDead" })
      .claim("s1", "a/1")
      .history()
  },
  {
    name: "a job is granted while its lease lasts",
    rule: "leasesOverlap",
    history: start().claim("s1", "a/1").advance(999).claim("s2", "a/2", { delivery: 2 }).history(),
    also: ["unexplained"]
  },
  {
    name: "a renewed lease is taken away",
    rule: "leasesOverlap",
    history: start()
      .claim("s1", "a/1")
      .advance(600)
      .renew("s1")
      .advance(600)
      .session("s3")
      .claim("s3", "a/2", { delivery: 2 })
      .history(),
    also: ["unexplained"]
  },
  {
    name: "two claims at once get one job",
    rule: "claimedTogether",
    history: start()
      .together((s) => s.claim("s1", "a/1").claim("s2", "a/2", { delivery: 2 }))
      .history(),
    also: ["unexplained"]
  },
  {
    name: "a token is smaller than one before it",
    rule: "tokenOrder",
    history: new Script().enqueue(["a", "b"]).session("s1").claim("s1", "a/2").claim("s1", "b/1").history()
  },
  {
    name: "two jobs have one token",
    rule: "tokenOrder",
    history: new Script().enqueue(["a", "b"]).session("s1").claim("s1", "a/1 b/1").history()
  },
  {
    name: "one grant goes to two claims",
    rule: "grantedTwice",
    history: start()
      .together((s) => s.claim("s1", "a/1").claim("s2", "a/1"))
      .history(),
    also: ["miscounted", "unexplained"]
  },
  {
    name: "more jobs than asked for",
    rule: "claimShape",
    history: new Script().enqueue(["a", "b"]).session("s1").claim("s1", "a/1 b/2", { limit: 1 }).history()
  },
  {
    name: "a completed job is granted",
    rule: "grantedAfterEnd",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "Completed")
      .claim("s2", "a/2", { delivery: 2, attempt: 2 })
      .history(),
    also: ["unexplained"]
  },
  {
    name: "a cancelled job is granted",
    rule: "grantedAfterEnd",
    history: start().cancel("a").claim("s1", "a/1").history(),
    also: ["unexplained"]
  },
  {
    name: "cancelled and completed",
    rule: "endedTwice",
    history: start()
      .claim("s1", "a/1")
      .together((s) => s.settle("s1", "Complete", "a/1", "Completed").cancel("a"))
      .history(),
    also: ["unexplained"]
  },
  {
    name: "a delivery is not counted",
    rule: "miscounted",
    history: start().claim("s1", "a/1").close("s1").claim("s2", "a/2", { delivery: 1 }).history(),
    also: ["unexplained"]
  },
  {
    name: "more attempts than the job allows",
    rule: "miscounted",
    history: start({ maxAttempts: 1, maxDeliveries: 5 })
      .claim("s1", "a/1")
      .settle("s1", "Retry", "a/1", "Ready")
      .claim("s2", "a/2", { delivery: 2, attempt: 2 })
      .history(),
    also: ["unexplained"]
  },
  {
    name: "a delayed job is granted early",
    rule: "early",
    history: start({ delay: 500 }).advance(499).claim("s1", "a/1").history(),
    also: ["unexplained"]
  },
  {
    name: "a back-off is cut short",
    rule: "early",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Retry", "a/1", "Scheduled", { delay: 400 })
      .advance(399)
      .claim("s1", "a/2", { delivery: 2, attempt: 2 })
      .history(),
    also: ["unexplained"]
  },
  {
    name: "a claim is empty beside another that takes nothing",
    rule: "falseEmpty",
    history: start()
      .together((s) => s.claim("s1", "").claim("s2", ""))
      .history(),
    also: ["unexplainedEmpty"]
  },
  {
    name: "an expired job is not found after a complete reclaim",
    rule: "falseEmpty",
    history: start().claim("s1", "a/1").advance(1000).reclaim().session("s3").claim("s3", "").history(),
    also: ["unexplainedEmpty"]
  },
  {
    name: "a claim is empty after the tightly bounded job came back",
    rule: "unexplainedEmpty",
    history: start({ maxDeliveries: 2 })
      .claim("s1", "a/1")
      .settle("s1", "Release", "a/1", "Ready")
      .claim("s2", "")
      .history()
  },
  {
    name: "a release is counted as an attempt",
    rule: "unexplained",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Release", "a/1", "Ready")
      .claim("s2", "a/2", { delivery: 2, attempt: 2 })
      .history()
  },
  {
    name: "a current grant is refused as stale",
    rule: "unexplained",
    history: start().claim("s1", "a/1").settle("s1", "Complete", "a/1", "refused: stale").history()
  },
  {
    name: "a stale grant is accepted",
    rule: "unexplained",
    history: start()
      .claim("s1", "a/1")
      .settle("s1", "Release", "a/1", "Ready")
      .claim("s2", "a/2", { delivery: 2 })
      .settle("s1", "Retry", "a/1", "Ready")
      .history()
  },
  {
    name: "a current grant is told that it is lost",
    rule: "unexplained",
    history: start()
      .claim("s1", "a/1")
      .renew("s1", ["1"], { lost: ["1"] })
      .history()
  },
  {
    name: "a read goes back in time",
    rule: "unexplained",
    history: start()
      .claim("s1", "a/1")
      .read("a", { state: "Leased", deliveries: 1, token: "1" })
      .read("a", { state: "Ready" })
      .history()
  },
  {
    name: "a late settle where the log refuses those",
    rule: "deadSessionActs",
    history: start()
      .claim("s1", "a/1")
      .advance(1500)
      .settle("s1", "Complete", "a/1", "Completed")
      .history(false, "refused"),
    also: ["unexplained"]
  },
  {
    name: "a job that nobody enqueued",
    rule: "phantom",
    history: new Script().session("s1").claim("s1", "z/1").history()
  },
  {
    name: "a job that nobody enqueued is listed",
    rule: "phantom",
    history: start().list("a", "z").history()
  },
  {
    name: "other bytes come out",
    rule: "changed",
    history: start().claim("s1", "a/1", { payload: "of A" }).history()
  },
  {
    name: "an acknowledged job is gone after the drain",
    rule: "lost",
    history: start().claim("s1", "").read("a", null).history(true),
    also: ["falseEmpty", "unexplainedEmpty"]
  },
  {
    name: "an acknowledged job was never met, where nothing can be read",
    rule: "lost",
    history: start().history(true)
  },
  {
    name: "of a batch one job is there",
    rule: "halfBatch",
    history: new Script()
      .enqueue(["a", "b"], { unknown: true })
      .session("s1")
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "Completed")
      .history(true)
  }
]

describe("histories that do not", () => {
  test.for(bad)("$rule: $name", ({ also = [], history, rule }) => {
    expect([...rulesOf(history)].sort()).toEqual([rule, ...also].sort())
  })
})

test("each rule has a history that breaks it", () => {
  const rules: Record<Rule, true> = {
    repeatDiffers: true,
    refusedForNothing: true,
    refusedAsDead: true,
    refusedButThere: true,
    refusedButDone: true,
    deadSessionActs: true,
    leasesOverlap: true,
    claimedTogether: true,
    tokenOrder: true,
    grantedTwice: true,
    claimShape: true,
    grantedAfterEnd: true,
    endedTwice: true,
    miscounted: true,
    early: true,
    falseEmpty: true,
    unexplainedEmpty: true,
    unexplained: true,
    phantom: true,
    changed: true,
    lost: true,
    halfBatch: true
  }
  expect(Object.keys(rules).filter((rule) => !bad.some((history) => history.rule === rule))).toEqual([])
})

test("a finding names the shortest prefix that makes no sense, and what the job may have been", () => {
  const { findings } = checkHistory(
    start()
      .claim("s1", "a/1")
      .settle("s1", "Complete", "a/1", "refused: stale")
      .claim("s2", "")
      .read("a", { state: "Leased", deliveries: 1 })
      .history()
  )
  expect(findings.map(({ message }) => message)).toEqual([
    `job a: no order explains 5. 11–12 test: settle s1 #2 Complete a token 1 → ["refused: stale"]; before it the job was ` +
      "one of: leased by s1, known token after token 1, deliveries 1, attempts 0, generation 1"
  ])
  expect(findings[0]?.operations).toEqual([1, 4, 5])
})

test("a crash of one that uses a server ends no session: what it held stays its own", () => {
  const history = start().claim("s1", "a/1").crash().settle("s1", "Complete", "a/1", "Completed").history(true)
  expect(rulesOf(history)).toContain("deadSessionActs")
  const server = { ...history, promises: { ...history.promises, sessionsOutliveCrashes: true } }
  expect(rulesOf(server)).toEqual([])
})

test("a history is plain JSON", () => {
  const history = start().claim("s1", "a/1").settle("s1", "Complete", "a/1", "refused: stale").history()
  const copy: History = JSON.parse(JSON.stringify(history))
  expect(copy).toEqual(history)
  expect(checkHistory(copy)).toEqual(checkHistory(history))
})
