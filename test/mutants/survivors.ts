/** Mutants that nothing kills, each with the reason why nothing has to. By title. */
export const survivors: ReadonlyMap<string, string> = new Map([
  [
    "fleet: actors/LeaseSupervisor.ts: nobody reclaims",
    "Each claim takes back what has run out in its queue, and a parked one wakes up for it. The beat of the supervisor " +
      "is for queues from which nobody claims any more; in a fleet every scheduler claims from every queue."
  ],
  [
    "fleet: actors/Settler.ts: an unknown settlement is repeated under a new number",
    "The token is what makes a settlement happen once: a repeat of one that was accepted is refused as stale. " +
      "The number only keeps the first answer, which decides nothing but what is measured."
  ],
  [
    "fleet: actors/Settler.ts: settlements of a dead session are sent under its successor",
    "The log refuses each of them, as its grant belongs to another session. Dropping them saves a call."
  ],
  [
    "fleet: actors/WorkerPool.ts: runs whose lease is lost are settled",
    "The settler drops what is of an earlier session, and the log's fence refuses a grant that is lost."
  ],
  [
    "fleet: actors/WorkerPool.ts: starts what came while its session died",
    "A session's end ends the calls that wait for answers, so that no grants come after it. The look at the epoch is a " +
      "second door behind that one."
  ]
])
