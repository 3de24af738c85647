/**
 * For each cell of the coverage a short history that reaches it.
 *
 * @since 0.1.0
 */
import { cellOf } from "./Coverage.ts"
import type { CellCommand, CellFault, CellState } from "./Coverage.ts"
import type { JobSpec, SettleSpec, Step } from "./Step.ts"

const job: JobSpec = { queue: 0, name: 0, payload: "{}" }
const key = { value: 0, window: 60_000, replace: false }

/** Longer than any lease of the histories is left when it is used. */
const long = 30_000

const enqueue = (spec: Partial<JobSpec> = {}): Step => ({ _tag: "Enqueue", items: [{ ...job, ...spec }] })
const claim = (slot: number, dead = false): Step => ({ _tag: "Claim", slot, queue: 0, limit: 1, dead })
const settle = (kind: SettleSpec["kind"], options: { grant?: number; delay?: number; other?: boolean } = {}): Step => ({
  _tag: "Settle",
  items: [
    { grant: options.grant ?? 0, kind, delay: options.delay ?? 0, result: "ok", followUps: [], badFollowUp: false }
  ],
  otherSession: options.other ?? false
})
const close = (slot: number): Step => ({ _tag: "Close", slot })
const renew = (slot: number, grant: number, dead = false): Step => ({
  _tag: "Renew",
  slot,
  dead,
  started: [grant],
  progress: [grant]
})
const repeat = (call: number): Step => ({ _tag: "RepeatCall", call })
const cancel: Step = { _tag: "Cancel", job: 0 }
/** The holder of the latest grant lets its lease run out. */
const expire: Step = { _tag: "AdvanceToExpiry", slot: 3, short: false }

/** Leads one job into a state; a grant that is needed for it is the latest of all, and its holder is of slot `slot`. */
const into = (state: CellState, slot: number, spec: Partial<JobSpec> = {}): ReadonlyArray<Step> => {
  switch (state) {
    case "absent":
      return []
    case "scheduled":
      return [enqueue({ ...spec, delay: long })]
    case "ready":
      return [enqueue(spec)]
    default:
      return [enqueue(spec), ...onwards(state, slot)]
  }
}

/** Leads a ready job into a state. */
const onwards = (state: CellState, slot: number): ReadonlyArray<Step> => {
  switch (state) {
    case "absent":
      return [claim(slot), settle("Complete"), { _tag: "Purge", job: 0 }]
    case "scheduled":
      return [{ _tag: "Reschedule", job: 0, delay: long }]
    case "ready":
      return []
    case "leased":
      return [claim(slot)]
    case "expired":
      return [claim(slot), expire]
    case "completed":
      return [claim(slot), settle("Complete")]
    case "deadLettered":
      return [claim(slot), settle("DeadLetter")]
    case "cancelled":
      return [cancel]
    case "cancelledHeld":
      return [claim(slot), cancel]
  }
}

/** Whether {@link onwards} makes a new grant, behind which an earlier one is the second latest. */
const grants = (state: CellState): boolean => state !== "scheduled" && state !== "ready" && state !== "cancelled"

/** A job that was granted and given back, led into a state since; the earlier grant is `older` grants back. */
const again = (state: CellState, slot: number) => ({
  steps: [enqueue(), claim(slot), settle("Release"), ...onwards(state, 1)],
  older: grants(state) ? 1 : 0
})

/** The same with the earlier session closed. */
const afterClose = (state: CellState) => ({
  steps: [enqueue(), claim(0), settle("Release"), close(0), ...onwards(state, 1)],
  older: grants(state) ? 1 : 0
})

const settlements = { complete: "Complete", retry: "Retry", release: "Release", deadLetter: "DeadLetter" } as const

const settling = (kind: SettleSpec["kind"], state: CellState, fault: CellFault): ReadonlyArray<Step> | undefined => {
  switch (fault) {
    case "none":
      return [...into(state, 2), settle(kind)]
    case "late":
      return state === "cancelledHeld" ? [...into(state, 0), expire, settle(kind)] : [...into(state, 0), settle(kind)]
    case "otherSession":
      return [...into(state, 2), settle(kind, { other: true })]
    case "stale": {
      const { steps, older } = again(state, 2)
      return [...steps, settle(kind, { grant: older })]
    }
    case "deadSession": {
      const { steps, older } = afterClose(state)
      return [...steps, settle(kind, { grant: older })]
    }
    case "repeated":
      return repeatedSettle(kind, state)
    case "crashDuring":
      return [...into(state, 2), { ...during, settle: kind }]
    default:
      return undefined
  }
}

/** A settlement that is sent again, when its job has come to a state that it leads to. */
const repeatedSettle = (kind: SettleSpec["kind"], state: CellState): ReadonlyArray<Step> => {
  const first = [enqueue(), claim(2), settle(kind, { delay: state === "scheduled" ? long : 0 })]
  const redriven: ReadonlyArray<Step> = kind === "DeadLetter" ? [{ _tag: "Redrive", job: 0 }] : []
  if (state === "leased") return [...first, ...redriven, claim(1), repeat(1)]
  if (state === "ready") return [...first, ...redriven, repeat(0)]
  if (state === "deadLettered" && kind === "Retry") {
    return [enqueue({ maxAttempts: 1 }), claim(2), settle(kind), repeat(0)]
  }
  if (state === "cancelled" && kind === "Complete") {
    return [enqueue(), claim(2), cancel, settle(kind), settle("Release"), repeat(1)]
  }
  return [...first, repeat(0)]
}

const claiming = (state: CellState, fault: CellFault): ReadonlyArray<Step> | undefined => {
  switch (fault) {
    case "none":
      return [...into(state, 0), claim(2)]
    case "deadSession":
      return [claim(0), close(0), ...into(state, 1), claim(0, true)]
    case "together":
      return [...into(state, 2), { _tag: "ClaimTogether", slots: 2, queue: 0, limit: 1 }]
    case "crashDuring":
      return [...into(state, 0), { ...during, claim: true }]
    case "repeated": {
      const claimed = [enqueue(), claim(2)]
      switch (state) {
        case "leased":
          return [...claimed, repeat(0)]
        case "expired":
          return [...claimed, expire, repeat(0)]
        case "scheduled":
          return [...claimed, settle("Release", { delay: long }), repeat(1)]
        case "ready":
          return [...claimed, settle("Release"), repeat(1)]
        case "completed":
          return [...claimed, settle("Complete"), repeat(1)]
        case "deadLettered":
          return [...claimed, settle("DeadLetter"), repeat(1)]
        case "cancelled":
          return [...claimed, cancel, settle("Release"), repeat(1)]
        case "cancelledHeld":
          return [...claimed, cancel, repeat(0)]
        default:
          return undefined
      }
    }
    default:
      return undefined
  }
}

const renewing = (state: CellState, fault: CellFault): ReadonlyArray<Step> | undefined => {
  switch (fault) {
    case "none":
      return [...into(state, 2), renew(2, 0)]
    case "late":
      return state === "cancelledHeld" ? [...into(state, 0), expire, renew(0, 0)] : [...into(state, 0), renew(0, 0)]
    case "stale": {
      const { steps, older } = again(state, 2)
      return [...steps, renew(2, older)]
    }
    case "deadSession": {
      const { steps, older } = afterClose(state)
      return [...steps, renew(0, older, true)]
    }
    default:
      return undefined
  }
}

const enqueueing = (command: CellCommand, state: CellState): ReadonlyArray<Step> | undefined => {
  switch (command) {
    case "enqueueAgain":
      return [...into(state, 0), { _tag: "EnqueueAgain", job: 0, otherBytes: false }]
    case "enqueueOtherBytes":
      return [...into(state, 0), { _tag: "EnqueueAgain", job: 0, otherBytes: true }]
    case "enqueueKeyHeld":
    case "enqueueReplacing":
      return [...into(state, 0, { key }), enqueue({ key: { ...key, replace: command === "enqueueReplacing" } })]
    default:
      return [enqueue()]
  }
}

/** Whom the command of an operator is about: the job, or none that exists. */
const about = (state: CellState): { readonly job: number } => ({ job: state === "absent" ? 12 : 0 })

const operating = (command: CellCommand, state: CellState): Step | undefined => {
  switch (command) {
    case "cancel":
      return { _tag: "Cancel", ...about(state) }
    case "redrive":
      return { _tag: "Redrive", ...about(state) }
    case "reschedule":
      return { _tag: "Reschedule", ...about(state), delay: 1000 }
    case "purge":
      return { _tag: "Purge", ...about(state) }
    case "pause":
      return { _tag: "Pause", queue: 0 }
    case "resume":
      return { _tag: "Resume", queue: 0 }
    case "configure":
      return { _tag: "Configure", queue: 0, groupConcurrency: 2, stepAside: true }
    case "reclaim":
      return { _tag: "Reclaim", limit: 100 }
    case "read":
      return { _tag: "Read", limit: 2, ...about(state) }
    default:
      return undefined
  }
}

const controls = { cancel: "Cancel", redrive: "Redrive", reschedule: "Reschedule", purge: "Purge" } as const

/** The seed is even, so that the claim is one of queue `alpha`. */
const during: Extract<Step, { readonly _tag: "CrashDuring" }> = {
  _tag: "CrashDuring",
  seed: 0,
  turns: 2,
  enqueue: [job],
  settle: undefined,
  claim: false,
  control: undefined,
  job: 0
}

const together: Step = { _tag: "CompleteAndCancelTogether", grant: 0, cancelFirst: false }

/**
 * The history that reaches a cell, if there is one.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const scriptFor = (
  state: CellState,
  command: CellCommand,
  fault: CellFault
): ReadonlyArray<Step> | undefined => {
  if (command in settlements && fault !== "together") {
    // the record has an entry for this command
    return settling(settlements[command as keyof typeof settlements], state, fault)
  }
  if (fault === "together" && command !== "claim") return [...into(state, 2), together]
  if (command === "claim") return claiming(state, fault)
  if (command === "renew") return renewing(state, fault)
  if (command === "close") {
    if (fault === "late") return [...into(state, 0), ...(state === "expired" ? [] : [expire]), close(0)]
    return [...into(state, 2), close(2)]
  }
  if (command === "reopen") {
    return [...into(state, 0), fault === "restart" ? { _tag: "Restart" } : { _tag: "Crash", seed: 0 }]
  }
  if (fault === "crashDuring") {
    if (!(command in controls)) return [during]
    // the record has an entry for this command
    return [...into(state, 2), { ...during, control: controls[command as keyof typeof controls] }]
  }
  const operation = operating(command, state)
  return operation === undefined ? enqueueing(command, state) : [...into(state, 0), operation]
}

/**
 * The history that reaches a cell by its name.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const scriptOf = (cell: string): ReadonlyArray<Step> | undefined => {
  const [state, command, fault] = cell.split(" × ")
  // the parts are those that `cellOf` put together; anything else reaches no cell
  const parts = [state, command, fault] as [CellState, CellCommand, CellFault]
  return cellOf(...parts) === cell ? scriptFor(...parts) : undefined
}
