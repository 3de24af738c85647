/** Seeds that showed a bug of ours. Each bug has a small test of its own besides, named here. */
import { expect, test } from "vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"

test.for([
  // A parked claim that was sent again under its number was not answered together with the first try, when another
  // session's claim was parked between the two (test/backends/file/NumberedCalls.test.ts).
  [44, "a repeated parked claim waited for the next event"],
  [51, "a repeated parked claim waited for the next event"],
  // A session whose opening took longer than its lease was used at once (test/actors/LeaseSupervisor.test.ts).
  [37, "runs started on a lease that had run out while it was opened"],
  // Prefetched jobs started after a pause, before the supervisor looked (test/actors/LeaseSupervisor.test.ts).
  [63, "runs started on a lease that had run out while the process stood still"],
  // The disk failed right after a segment was created. The next owner went on in it, without the checkpoint that a
  // segment begins with; when it had become the oldest one, the log did not open any more
  // (test/backends/file/BareSegment.test.ts).
  [65, "a segment without its checkpoint became the oldest one"],
  [149, "a segment without its checkpoint became the oldest one"],
  // A claim was granted and its answer could not be read from the disk; by the time of its repeat the log kept the
  // answer no longer. The scheduler took that for a refusal, and its session held the jobs for ever
  // (test/actors/LeaseSupervisor.test.ts).
  [5114, "grants that nobody knew of stayed with a living session"]
] as const)("seed %i: %s", { timeout: 30_000 }, ([seed]) => {
  expect(runFleet({ seed }).violations).toEqual([])
})
