/**
 * Seeds that showed a bug of ours, and show it again when its fix is taken away; when the swarm or the code has changed
 * so much that one does not, it gives its place to another. Each bug has a small test of its own besides, named here.
 * And seeds on which a law saw a bug where there is none.
 */
import { expect, test } from "vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"
import * as Generator from "../../src/simulation/kernel/Generator.ts"
import { draw, type FleetConfig, shortWrites } from "../../src/simulation/Swarm.ts"

/** Without what the swarm has learnt since the seeds were found. */
const asBefore = (seed: number): Partial<FleetConfig> => {
  const { disk, strikes } = draw(Generator.make(seed).split("swarm"))
  return {
    givesUp: 0,
    cancels: false,
    strikes: strikes.filter((strike) => strike !== "bitRot"),
    disk: disk.shortWrite === undefined ? disk : { ...disk, shortWrite: disk.shortWrite / shortWrites }
  }
}

/** Many jobs wait in schedulers with one slot, which stand still past their leases. */
const pausedWithPrefetch: Partial<FleetConfig> = {
  nodes: 2,
  embedded: false,
  concurrency: 1,
  maxPrefetch: 50,
  leaseDuration: 1_000,
  groupedLease: undefined,
  strikes: ["pause"],
  strikeEvery: 2_000,
  longestPause: 2_500,
  duration: 60_000,
  jobs: 200,
  batch: 60,
  interrupted: 0,
  operator: false,
  disk: {},
  skew: 0,
  drift: 0,
  preempt: 0.1
}

/** The log stands still from time to time, and messages to it are lost: most of a lease may go by until it is known. */
const slowLog: Partial<FleetConfig> = {
  nodes: 3,
  embedded: false,
  leaseDuration: 3_000,
  strikes: ["logPause"],
  strikeEvery: 4_000,
  duration: 60_000,
  jobs: 120,
  batch: 4,
  operator: false,
  disk: {},
  skew: 0,
  drift: 0,
  weather: { latency: [1, 5], slow: 0, requestLost: 0.2, replyLost: 0, duplicated: 0, patience: 5_000 }
}

/** The log is closed and opened again all the time, while much is sent twice that it has to read from its disk. */
const closingLog: Partial<FleetConfig> = {
  nodes: 3,
  strikes: ["logRestart"],
  strikeEvery: 2_000,
  duration: 60_000,
  jobs: 120,
  producers: 3,
  batch: 4,
  interrupted: 0.3,
  operator: false,
  disk: { syncLatency: [0.1, 10], latency: [0, 20] },
  skew: 0,
  drift: 0,
  preempt: 0.1,
  weather: { latency: [1, 5], slow: 0, requestLost: 0, replyLost: 0.3, duplicated: 0.3, patience: 1_000 }
}

test.for([
  // A parked claim that was sent again under its number was not answered together with the first try, when another
  // session's claim was parked between the two (test/backends/file/NumberedCalls.test.ts).
  [27, "a repeated parked claim waited for the next event", {}],
  [36, "a repeated parked claim waited for the next event", {}],
  // Prefetched jobs started after a pause, before the supervisor looked (test/actors/LeaseSupervisor.test.ts). The same
  // fix keeps runs from starting in a session whose opening took longer than its lease: no seed shows that bug alone.
  [1, "runs started on a lease that had run out while the process stood still", pausedWithPrefetch],
  // The disk failed right after a segment was created. The next owner went on in it, without the checkpoint that a
  // segment begins with; when it had become the oldest one, the log did not open any more
  // (test/backends/file/BareSegment.test.ts).
  [149, "a segment without its checkpoint became the oldest one", {}],
  // A claim was granted and its answer could not be read from the disk; by the time of its repeat the log kept the
  // answer no longer. The scheduler took that for a refusal, and its session held the jobs for ever
  // (test/actors/LeaseSupervisor.test.ts).
  [5114, "grants that nobody knew of stayed with a living session", {}],
  // A renewal told of a run and of a waiting job that both were cancelled: the end of the run started the job, or one of
  // a queue that was paused (test/actors/WorkerPool.test.ts).
  [108, "a cancelled run made room for another cancelled job", { cancels: true }],
  // The grants of a claim were read from the disk for its answer while compaction took them into memory: the answer died
  // half-way, and its session held the jobs for ever (test/backends/file/SlowRead.test.ts; what the scheduler does after
  // such a death is in test/actors/Dispatcher.test.ts).
  [9238, "compaction spoiled an answer that was being read", {}],
  // A session was opened so slowly that little of its lease was left, and nobody looked in time
  // (test/actors/LeaseSupervisor.test.ts).
  [14, "a run went on after the lease of a session that took long to open", slowLog],
  // The log was closed while a call waited for what it had to read, which died then (test/backends/file/Closed.test.ts).
  [1, "a call that met a closed log died", closingLog]
] as const)("seed %i: %s", { timeout: 30_000 }, ([seed, , config]) => {
  expect(runFleet({ seed, config: { ...asBefore(seed), ...config } }).violations).toEqual([])
})

test.for([
  // The answer to a claim was read from a slow disk while the log failed and was opened again
  // (test/simulation/GrantOrder.test.ts).
  [4395, "a token was told after those of a later opening"],
  // A paused log got a command to pause a queue and one to go on at the same instant (test/simulation/FleetHistory.test.ts).
  [5608, "a pause and a command to go on crossed"],
  // The log's clock was set back, and its time stood still: sessions that nobody had any more lived on, and a claim of one
  // had been left behind, by a doubled message or by one to give it up that overtook it.
  [7985, "the lease of a session without a scheduler had not run out"],
  [9345, "the lease of a session without a scheduler had not run out"],
  [13_924, "the lease of a session without a scheduler had not run out"],
  // 60 jobs, many of which hung until their timeout at each of up to four attempts, on two slots
  // (test/simulation/AttemptsLeft.test.ts).
  [15_732, "all slots were busy for longer than the bound"]
] as const)("seed %i, on which a law said more than is promised: %s", { timeout: 30_000 }, ([seed]) => {
  expect(runFleet({ seed }).violations).toEqual([])
})
