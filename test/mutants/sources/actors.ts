/** The schedulers' actors broken: dispatcher, lease supervisor, settler, worker, and what wires them. */
import { change, mutantsOf } from "../SourceMutant.ts"

const inActors = (file: string, changes: Parameters<typeof mutantsOf>[2]) =>
  mutantsOf(`src/actors/${file}`, ["fleet"], changes)

const inScheduler = (file: string, changes: Parameters<typeof mutantsOf>[2]) =>
  mutantsOf(`src/scheduler/${file}`, ["fleet"], changes)

const dispatcher = inActors("Dispatcher.ts", [
  change(
    "backpressure",
    "claims as much as a claim can carry",
    "const want = pool.free() + prefetch - held",
    "const want = claimMost"
  ),
  change(
    "backpressure",
    "the prefetch has no bound",
    "Math.min(options.maxPrefetch, Math.floor(rate * prefetchMillis))",
    "Math.ceil(rate * prefetchMillis * 1000)"
  ),
  change(
    "noSilentWorker",
    "a failed claim is the last one",
    "yield* Effect.sleep(yield* delay(failures++))\n",
    "yield* Effect.never\n"
  ),
  change(
    "eventuallyClaimed",
    "an unclear claim is repeated under a new number",
    `live.call("claim", log.claim(request), `,
    `live.call("claim", Effect.suspend(() => log.claim({ ...request, call: live.nextCall() })), `
  ),
  change(
    "wakeBound",
    "claims are neither parked nor told of news",
    "const { maxBatch, notify, parkedClaims } = log.capabilities",
    "const { maxBatch } = log.capabilities\n  const notify = false\n  const parkedClaims = false"
  ),
  change(
    "eventuallyClaimed",
    "what was granted is dropped",
    "if (few) pool.assign({ epoch, grants })",
    "if (!few) pool.assign({ epoch, grants })"
  )
])

const supervisor = inActors("LeaseSupervisor.ts", [
  change(
    "sessionsKept",
    "renews when the lease has run out",
    ": beat\n      const woken",
    ": leaseDuration\n      const woken"
  ),
  change(
    "noSilentWorker",
    "a dead session has no successor",
    "yield* Effect.exit(openSession())\n        if",
    "yield* Effect.exit(epoch === 0 ? openSession() : Effect.never)\n        if"
  ),
  change("selfFence", "nothing is held back of the lease", "Math.min(1_000, leaseDuration / 10)", "0"),
  change("selfFence", "a session that was not renewed lives on", "if (left <= 0) {", "if (left <= -60_000) {"),
  change(
    "selfFence",
    "the lease counts from the answer to a renewal",
    "trustedUntil = sentAt + leaseDuration - margin(leaseDuration)",
    "trustedUntil = elapsed() + leaseDuration - margin(leaseDuration)"
  ),
  change("selfFence", "the lease counts from the answer to the opening", "let since = sentAt", "let since = elapsed()"),
  change(
    "selfFence",
    "a session that took longer to open than it lasts is used",
    "if (elapsed() >= since + trusted) {",
    "if (since < 0) {"
  ),
  change(
    "sessionsKept",
    "a renewal does not extend the lease",
    "trustedUntil = sentAt + leaseDuration - margin(leaseDuration)",
    "trustedUntil += 0"
  ),
  change(
    "stopsReach",
    "what a renewal says is not passed on",
    "for (const holder of holders) holder.renewed(current.epoch, exit.value)",
    ""
  ),
  change("selfFence", "runs of a dead session go on", "for (const holder of holders) holder.lost(died)", ""),
  change(
    "noSilentWorker",
    "calls of a dead session are waited for",
    "    for (const holder of holders) holder.lost(died)\n    calls?.end()\n",
    "    for (const holder of holders) holder.lost(died)\n"
  ),
  change(
    "startsReported",
    "the marks of starts are not sent",
    "call: current.nextCall(), ...now }",
    "call: current.nextCall(), ...now, started: [] }"
  ),
  change(
    "eventuallyClaimed",
    "nobody reclaims",
    "Effect.exit(log.reclaim({ limit: 1_000 }))",
    "Effect.exit(Effect.succeed({ reclaimed: 0, deadLettered: 0, more: false }))"
  ),
  change(
    "eventuallyClaimed",
    "an earlier timer does not wake the loop",
    "if (timers.add(timer)) timerWake.openUnsafe()",
    "timers.add(timer)"
  )
])

const clock = inActors("MonotonicClock.ts", [
  change("selfFence", "only the monotonic clock counts", "if (drift > 0) leapt += drift", "")
])

const calls = inActors("SessionCalls.ts", [
  change(
    "noSilentWorker",
    "calls that wait are not ended with the session",
    `each.giveUp(this.dead("call"))`,
    "void each"
  )
])

const settler = inActors("Settler.ts", [
  change(
    "eventuallyClaimed",
    "the last of a batch is dropped",
    "      return all\n",
    "      return all.length > 1 ? all.slice(0, -1) : all\n"
  ),
  change(
    "staleTokenRefused",
    "an unknown settlement is repeated under a new number",
    `live.call("settle", log.settle(request))`,
    `live.call("settle", Effect.suspend(() => log.settle({ ...request, call: live.nextCall() })))`
  ),
  change(
    "eventuallyClaimed",
    "an unknown settlement counts as done",
    `live.call("settle", log.settle(request))`,
    `Effect.orElseSucceed(log.settle(request), () => batch.map(() => ({ _tag: "Unverified" as const })))`
  ),
  change(
    "eventuallyClaimed",
    "a refused settlement counts as done",
    `if (result.reason === "cancelled" && item`,
    `if (result.reason === "completed" && item`
  ),
  change(
    "staleTokenRefused",
    "settlements of a dead session are sent under its successor",
    "if (live.epoch !== epoch) {",
    "if (epoch < 0) {"
  ),
  change(
    "eventuallyClaimed",
    "nobody is told of a settlement that comes alone",
    "if (!inFlight && pending.length === 1) {",
    "if (!inFlight && pending.length === 2) {"
  ),
  change(
    "eventuallyClaimed",
    "what comes during a call is not looked at",
    "        inFlight = false\n        if",
    "        inFlight = false\n        pending = []\n        if"
  )
])

const worker = inActors("WorkerPool.ts", [
  change(
    "concurrencyBounded",
    "one run more than there are slots",
    "running.size < options.concurrency)",
    "running.size <= options.concurrency)"
  ),
  change("stopsReach", "lost grants are ignored", "if (result.lost.length > 0) {", "if (result.lost.length < 0) {"),
  change(
    "stopsReach",
    "cancelled runs are ignored",
    `if (run !== undefined && run.epoch === epoch) stop(run, "cancelled")`,
    ""
  ),
  change(
    "stopsReach",
    "cancelled jobs that wait for a slot are started",
    "takeOut((of, grant) => of === epoch && cancelled.has(grant.token), true)",
    ""
  ),
  change("pauseReaches", "a pause is ignored", "if (result.paused.includes(queue)) takeOut(() => true, true)", ""),
  change("timeoutKept", "timeouts are not enforced", `() => stop(run, "timeout")`, "() => {}"),
  change(
    "timeoutKept",
    "a timeout lasts longer than it says",
    `supervisor.after(grant.timeout ?? handler.timeout ?? options.timeout, () =>`,
    `supervisor.after(1.5 * (grant.timeout ?? handler.timeout ?? options.timeout), () =>`
  ),
  change(
    "timeoutKept",
    "a timeout comes too early",
    `supervisor.after(grant.timeout ?? handler.timeout ?? options.timeout, () =>`,
    `supervisor.after(0.5 * (grant.timeout ?? handler.timeout ?? options.timeout), () =>`
  ),
  change(
    "selfFence",
    "starts what came while its session died",
    "if (!supervisor.isLive(epoch)) {",
    "if (epoch < 0) {"
  ),
  change("startsReported", "starts are not marked", "          started.push(run.grant.token)\n", ""),
  change("selfFence", "runs whose lease is lost go on", `      stop(run, "leaseLost")\n`, ""),
  change("staleTokenRefused", "runs whose lease is lost are settled", `    if (run.stop === "leaseLost") return\n`, ""),
  change("stopsReach", "a stopped run is not interrupted", "    run.fiber?.interruptUnsafe()\n", ""),
  change(
    "concurrencyBounded",
    "a stopped run's slot is free at once",
    "    run.fiber?.interruptUnsafe()\n",
    "    run.fiber?.interruptUnsafe()\n    running.delete(run.grant.token)\n"
  ),
  change(
    "drainTerminates",
    "who ignores an interruption is waited for",
    "      telemetry.abandoned(run.grant)\n      finishAsync(run, undefined)\n",
    ""
  ),
  change(
    "eventuallyClaimed",
    "an interrupted run keeps its slot",
    "    running.delete(run.grant.token)\n",
    "    if (run.stop === undefined) running.delete(run.grant.token)\n"
  ),
  change(
    "eventuallyClaimed",
    "a run that dies keeps its slot",
    "    running.delete(run.grant.token)\n",
    `    if (exit === undefined || exit._tag === "Success" || !Cause.hasDies(exit.cause)) running.delete(run.grant.token)\n`
  ),
  change("eventuallyClaimed", "a run that ends at once is not settled", "      finish(run, started)\n", ""),
  change(
    "completionIsEarned",
    "a defect counts as done",
    `return run.handler.onFailure(run.grant, { kind: "defect", message })`,
    `return { _tag: "Complete" }`
  ),
  change(
    "completionIsEarned",
    "a timeout counts as done",
    `return run.handler.onFailure(run.grant, { kind: "timeout", message })`,
    `return { _tag: "Complete" }`
  ),
  change(
    "completionIsEarned",
    "a drain completes what it stops",
    `return { _tag: "Release", cause: { kind: "released", message } }`,
    `return { _tag: "Complete" }`
  ),
  change(
    "settledAsItEnded",
    "a drain costs an attempt",
    `      case "cancelled":\n      case "drain": {`,
    `      case "cancelled": {`
  ),
  change(
    "graceIsGiven",
    "a drain does not wait",
    "        yield* Effect.raceFirst(quiet.await, Effect.sleep(grace))\n",
    ""
  ),
  change("drainTerminates", "a drain leaves runs", `for (const run of [...running.values()]) stop(run, "drain")`, "")
])

const scheduler = [
  ...inScheduler("JobScheduler.ts", [
    change("drainTerminates", "the end of the scope does not drain", "  yield* Effect.addFinalizer(() => drain)\n", ""),
    change("drainTerminates", "a drain goes on claiming", "      yield* Fiber.interruptAll(dispatchers)\n", "")
  ]),
  ...inScheduler("JobRun.ts", [
    change(
      "leaseVisible",
      "a handler sees an older token",
      "return this.run.grant.token",
      "return this.run.grant.token - 1n"
    ),
    change(
      "completionIsEarned",
      "a handler that throws has succeeded",
      "        return Exit.die(defect)\n",
      `        return Exit.succeed("")\n`
    ),
    change(
      "completionIsEarned",
      "a failure counts as done",
      "failed(run.grant, error.value) : undefined",
      `completed(undefined, "" as S) : undefined`
    ),
    change(
      "settledAsItEnded",
      "a retry does not wait",
      "delay: Math.round(Math.min(delay, Limits.durationMillis))",
      "delay: 0"
    ),
    change(
      "settledAsItEnded",
      "what must not be tried again is",
      `return Effect.succeed({ _tag: "DeadLetter", cause })`,
      `return Effect.succeed({ _tag: "Retry", delay: 0, cause })`
    ),
    change(
      "settledAsItEnded",
      "each error has the default policy",
      "policyOf(described.tag) ?? defaultRetry",
      "defaultRetry"
    ),
    change(
      "settledAsItEnded",
      "what cannot be decoded is tried again",
      `return { _tag: "DeadLetter", cause: { kind: "undecodable", message: error.message } }`,
      `return { _tag: "Retry", delay: 0, cause: { kind: "undecodable", message: error.message } }`
    ),
    change(
      "settledAsItEnded",
      "a result is dropped",
      `return { _tag: "Complete", result: encoded, enqueue: followUps }`,
      `return { _tag: "Complete", enqueue: followUps }`
    ),
    change(
      "settledAsItEnded",
      "follow-ups are dropped",
      `return { _tag: "Complete", result: encoded, enqueue: followUps }`,
      `return { _tag: "Complete", result: encoded }`
    )
  ]),
  ...inScheduler("RetryPolicy.ts", [
    change(
      "settledAsItEnded",
      "the schedule is one step behind",
      "attempt <= grant.attempt",
      "attempt < grant.attempt"
    ),
    change(
      "settledAsItEnded",
      "delays add up",
      "      millis = Duration.toMillis(duration)\n",
      "      millis += Duration.toMillis(duration)\n"
    )
  ]),
  ...inScheduler("PayloadCodec.ts", [
    change(
      "settledAsItEnded",
      "what does not fit its schema is taken as it is",
      "const exit = decode(value)\n",
      'const exit = { ...decode(value), _tag: "Success" as const, value }\n'
    )
  ])
]

export const actorMutants = [...dispatcher, ...supervisor, ...clock, ...calls, ...settler, ...worker, ...scheduler]
