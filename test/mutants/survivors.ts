/** Mutants that nothing kills, each with the reason why nothing has to. By title. */
export const survivors: ReadonlyMap<string, string> = new Map([
  [
    "fleet: actors/LeaseSupervisor.ts: a session that took longer to open than it lasts is used",
    "Each start looks at the lease by itself, and the fence ends such a session at its next look: nothing runs on it. " +
      "Not using it saves a claim whose grants come back unused."
  ],
  [
    "fleet: actors/WorkerPool.ts: lost grants are ignored",
    "A session of the file log loses a grant only by its own settlement or together with its life, and the end of a session " +
      "stops its runs in another way. The list is for logs that take back a single grant, as the port allows."
  ],
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
  ],
  [
    "memory: model/Transition.ts: a redrive takes no notice of who holds the key by now",
    "A dead letter holds its key until it is redriven or cancelled, and one that was purged cannot be redriven, so that no other job can hold it when it is redriven. The question is for logs that give the key away."
  ],
  [
    "file: model/Transition.ts: a redrive takes no notice of who holds the key by now",
    "A dead letter holds its key until it is redriven or cancelled, and one that was purged cannot be redriven, so that no other job can hold it when it is redriven. The question is for logs that give the key away."
  ],
  [
    "memory: backends/memory/Control.ts: a redrive takes no notice of who holds the key by now, in the memory log",
    "A dead letter holds its key until it is redriven or cancelled, and one that was purged cannot be redriven, so that no other job can hold it when it is redriven. The question is for logs that give the key away."
  ],
  [
    "file: backends/file/EngineControl.ts: a redrive takes no notice of who holds the key by now, in the file log",
    "A dead letter holds its key until it is redriven or cancelled, and one that was purged cannot be redriven, so that no other job can hold it when it is redriven. The question is for logs that give the key away."
  ],
  [
    "memory: backends/memory/Enqueue.ts: a replacement that is sent again is another job",
    "The port lets it be: the id of an item that met a held key names no job, so sent again it meets whoever holds the key then."
  ],
  [
    "memory: backends/memory/Claim.ts: a claim comes back empty although a lease has run out",
    "A job whose lease ran out is leased until a reclaim takes it back. That a claim does so by itself is a courtesy; nextAt names the instant."
  ],
  [
    "file: backends/file/EngineClaim.ts: a claim comes back empty although a lease has run out",
    "A job whose lease ran out is leased until a reclaim takes it back. That a claim does so by itself is a courtesy; nextAt names the instant."
  ],
  [
    "file: backends/file/journal/SegmentScan.ts: frames may be missing in between",
    "Each frame names the checksum of the one before it, so that the frame behind a missing one does not follow."
  ],
  [
    "file: backends/file/journal/Recovery.ts: a missing segment is not missed",
    "Each segment's header names its first frame, which has to follow the last one of the segment before."
  ],
  [
    "file: backends/file/journal/Recovery.ts: a segment's blank remains are damage",
    "A segment bears its name only after its header was synced, so that no crash leaves a blank one. Taking it for a remnant is for file systems that keep less than they say."
  ],
  [
    "file: backends/file/journal/RecoveryRepair.ts: the torn tail is not cut",
    "What is left behind the next frame cannot continue it, as frames are chained: see the crash states, which judge it too."
  ],
  [
    "file: backends/file/journal/SegmentScan.ts: a frame may belong to any epoch",
    "Each frame names the checksum of the one before it, which only its writer knows and whoever recovered the log from it. " +
      "Who recovers a log begins with a frame of the new epoch, so that no frame of another epoch can follow."
  ],
  [
    "file: backends/file/journal/SegmentScan.ts: frames are not chained",
    "A torn tail is cut off, durably, before anything is appended, and a frame must bear the next number, the epoch and " +
      "a checksum under the segment's salt, so that nothing that is left over can stand where the next frame belongs. " +
      "Cut and chain stand in for each other: see the crash states, which judge it too."
  ],
  [
    "file: backends/file/journal/JournalAppender.ts: a new segment forgets what was trimmed",
    "The frame of the latest trim says the same and always lies in a segment that is kept; removals are synced one by " +
      "one, oldest first, so that they leave no gap. See the crash states, which judge it too."
  ],
  [
    "memory: backends/memory/MemoryLog.ts: a session that was ended can settle what nobody took from it yet",
    "A late settlement is accepted as long as nobody has taken its job, and the port does not say whether that also " +
      "holds for a session that has lost some of its jobs to a reclaim with a limit. Token and session are checked all the same, and claims and renewals look at the lease."
  ],
  [
    "file: backends/file/EngineReclaim.ts: a session that lost its jobs lives on",
    "A late settlement is accepted as long as nobody has taken its job, and the port does not say whether that also " +
      "holds for a session that has lost some of its jobs to a reclaim with a limit. Token and session are checked all the same, and claims and renewals look at the lease."
  ],
  [
    "file: backends/file/LogClock.ts: the log's time follows the wall clock only",
    "It then stands still for as long as the wall clock was set back, which is what is promised: see `clockStepSafe`. " +
      "The monotonic clock makes it go on at once, which is better than that."
  ],
  [
    "file: backends/file/JobStore.ts: a grant that ended is still found",
    "Whoever finds a grant compares its session, which is none once it ended. Taking it out of the index saves memory."
  ]
])
